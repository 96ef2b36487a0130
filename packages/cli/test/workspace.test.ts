/** `wakebus workspace`: an agent's files, listed, fetched and exported, with the `tar` of the machine as the judge. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '@wakebus/cli';
import { newbornMemory, defineAgent } from '@wakebus/core';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { NO_FILES, WorkspaceWriter, connectNats, createDeployment, natsPorts } from '@wakebus/placement-node';
import { type AgentKey, encodeRecord } from '@wakebus/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { type FakeIo, fakeIo } from './fake-io.ts';

const key = 'clerk.ada' as AgentKey;
const long = `notes/${'a long name '.repeat(12)}é.md`;
const large = Buffer.alloc(300_000, 'wakebus ');
let server: NatsServers;

beforeAll(async () => {
  server = await startNatsServer();
  const connection = await connectNats({ servers: server.url });
  const ports = natsPorts(connection, await createDeployment(connection));
  const limits = { maxBytes: 1_000_000, maxFiles: 100 };
  const writer = new WorkspaceWriter(ports, { key, base: { ref: undefined, manifest: NO_FILES }, limits });
  writer.addFolder({ path: 'notes', mode: 0o755 });
  await writer.addBytes({ path: 'run.sh', mode: 0o755 }, Buffer.from('#!/bin/sh\n'));
  await writer.addBytes({ path: long, mode: 0o600 }, Buffer.from('long'));
  await writer.addBytes({ path: 'large', mode: 0o644, mtimeMs: 1_000_000_000_000 }, large);
  writer.addLink({ path: 'notes/tool', target: '../run.sh' });
  const { ref } = await writer.finish();
  const definition = defineAgent({ type: 'clerk', machine: createMachine({}) });
  const { record } = newbornMemory(key, definition, { inbox: 'i', incarnation: 1, nowMs: 1 });
  await ports.agents.put(key, encodeRecord({ ...record, workspace: ref }), 0);
  await ports.agents.put('clerk.bob', encodeRecord(record), 0);
  await connection.close();
});

afterAll(() => server.stop());

async function run(io: FakeIo, ...argv: string[]): Promise<number> {
  return runCli(['workspace', ...argv], io);
}

function newIo(): FakeIo {
  return fakeIo({ env: { WAKEBUS_SERVERS: server.url } });
}

test('lists what an agent has', async () => {
  using io = newIo();
  expect(await run(io, 'ls', 'clerk/ada', '--json')).toBe(0);

  expect(io.json().map(({ path, sizeBytes, mode, target }) => [path, sizeBytes ?? target, mode])).toEqual([
    ['large', 300_000, '0644'],
    ['notes', undefined, '0755'],
    [long, 4, '0600'],
    ['notes/tool', '../run.sh', undefined],
    ['run.sh', 10, '0755'],
  ]);
});

test('exports an archive that tar unpacks to what the agent has', async () => {
  using io = newIo();
  expect(await run(io, 'export', 'clerk/ada', '--to', 'ada.tar')).toBe(0);
  execFileSync('tar', ['-xf', 'ada.tar'], { cwd: io.cwd });

  expect(readFileSync(join(io.cwd, 'large'))).toEqual(large);
  expect(readFileSync(join(io.cwd, long), 'utf8')).toBe('long');
  expect(readlinkSync(join(io.cwd, 'notes/tool'))).toBe('../run.sh');
  expect(statSync(join(io.cwd, 'run.sh')).mode & 0o777).toBe(0o755);
  expect(statSync(join(io.cwd, 'large')).mtimeMs).toBe(1_000_000_000_000);
});

test('fetches one file, and never over another', async () => {
  using io = newIo();
  expect(await run(io, 'get', 'clerk/ada', 'large', '--to', 'copy')).toBe(0);
  writeFileSync(join(io.cwd, 'run.sh'), 'mine');
  expect(await run(io, 'get', 'clerk/ada', 'run.sh')).toBe(7);

  expect(readFileSync(join(io.cwd, 'copy'))).toEqual(large);
  expect(readFileSync(join(io.cwd, 'run.sh'), 'utf8')).toBe('mine');
});

test.each([
  ['an agent that is not there', ['ls', 'clerk/eve'], 'AGENT_NOT_FOUND'],
  ['an agent without files', ['ls', 'clerk/bob'], 'has no files'],
  ['a file that is not there', ['get', 'clerk/ada', 'other'], 'has no file'],
])('says so of %s', async (_, argv, why) => {
  using io = newIo();

  expect(await run(io, ...argv)).not.toBe(0);
  expect(io.stderr).toContain(why);
});
