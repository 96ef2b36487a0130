/** The commands as people run them: real processes, real signals. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createClient } from '@wakebus/client';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats } from '@wakebus/placement-node';
import { describe, expect, test } from 'vitest';
import { type DevFolder, devFolder, greeter } from './dev-folder.ts';
import { eventually } from './eventually.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');
/** What a server, a gateway and the agents take to start on a busy machine, in milliseconds. */
const START_MS = 45_000;

/** One running command. */
interface Running extends AsyncDisposable {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  readonly out: () => string;
  readonly err: () => string;
  readonly exited: Promise<number | null>;
}

function start(folder: DevFolder, argv: readonly string[]): Running {
  const { PATH, HOME, NATS_SERVER } = process.env;
  const env = { PATH, HOME, ...(NATS_SERVER !== undefined && { NATS_SERVER }) };
  const child = spawn(process.execPath, [MAIN, ...argv], { cwd: folder.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    process: child,
    out: () => out,
    err: () => err,
    exited,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

async function run(
  folder: DevFolder,
  argv: readonly string[],
): Promise<{ code: number | null; out: string; err: string }> {
  const running = start(folder, argv);
  const code = await running.exited;
  return { code, out: running.out(), err: running.err() };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function startDev(folder: DevFolder): Promise<Running> {
  const dev = start(folder, ['dev', 'agent.ts']);
  try {
    await expect.poll(() => dev.out() + dev.err(), { timeout: START_MS }).toContain('stop    Ctrl-C');
    return dev;
  } catch (error) {
    await dev[Symbol.asyncDispose]();
    throw error;
  }
}

describe('wakebus dev', () => {
  test('prints what to try, is found by other commands in its folder, keeps the state, and drains on Ctrl-C', async () => {
    using folder = devFolder();
    await using first = await startDev(folder);
    expect(first.out()).toMatch(
      /^server {2}nats:\/\/127\.0\.0\.1:\d+\nhttp {4}http:\/\/127\.0\.0\.1:\d+ \(from this machine only, without tokens\)\nconsole http:\/\/127\.0\.0\.1:\d+\/console\/\ntry {5}wakebus send hello\/ada greet --wait\n {8}curl -X POST 'http:\/\/127\.0\.0\.1:\d+\/agents\/hello\/ada\/greet\?wait'\nstate {3}\.wakebus\/store\nstop {4}Ctrl-C\n$/,
    );

    const sent = await run(folder, ['send', 'hello/ada', 'greet', '{"name":"Ada"}', '--wait', '--json']);
    expect(sent.code).toBe(0);
    expect(JSON.parse(sent.out)).toMatchObject({ kind: 'reply', value: { text: 'Hello, Ada', greeted: 1 } });
    expect(sent.err).toMatch(/^asleep again after [\d.]+ m?s\n$/);

    const posted = await fetch(/http:[^\s'?]+greet/.exec(first.out())?.[0] ?? '', {
      method: 'POST',
      body: '{"name":"Eve"}',
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=10' },
    });
    expect(await posted.json()).toEqual({ text: 'Hello, Eve', greeted: 2 });

    const second = await run(folder, ['dev', 'agent.ts']);
    expect(second.code).toBe(4);
    expect(second.err).toContain('runs in this folder already');

    first.process.kill('SIGINT');
    expect(await first.exited).toBe(0);
    expect(existsSync(join(folder.path, '.wakebus', 'server.json'))).toBe(false);

    await using again = await startDev(folder);
    const later = await run(folder, ['inspect', 'hello/ada', '--json']);
    expect(JSON.parse(later.out)).toMatchObject({ context: { greeted: 2 }, lifecycle: { name: 'asleep' } });
    again.process.kill('SIGTERM');
    expect(await again.exited).toBe(0);
  }, 120_000);

  test('takes a new version of the file, and tells why it does not; runs the sources of its project', async () => {
    using folder = devFolder();
    const map = { agent: 'hello/{/path}', event: 'greet' };
    const sources = { inbox: { kind: 'folder', folder: 'inbox', map } };
    writeFileSync(join(folder.path, 'wakebus.json'), JSON.stringify({ sources }));
    mkdirSync(join(folder.path, 'inbox'));
    writeFileSync(join(folder.path, 'inbox', 'eve'), '');
    await using dev = await startDev(folder);
    expect(dev.out()).toContain('sources inbox\n');

    folder.write('export const broken = ;');
    await eventually(() => dev.err()).toContain('the version before goes on');
    expect(dev.err()).toContain('not loaded:');
    folder.write(greeter('Good day'));
    await eventually(() => dev.out()).toContain('reloaded hello; state kept');

    const sent = await run(folder, ['send', 'hello/ada', 'greet', '{"name":"Ada"}', '-w', '--json']);
    expect(JSON.parse(sent.out)).toMatchObject({ value: { text: 'Good day, Ada' } });
    await eventually(async () => (await run(folder, ['inspect', 'hello/eve'])).out).toContain('greeted');
    dev.process.kill('SIGINT');
    await dev.exited;
  }, 120_000);

  test('exits at once on a second Ctrl-C, when draining hangs', async () => {
    using folder = devFolder(`${greeter('Hello')}\nconsole.log('agents run in', process.pid);\n`);
    await using dev = await startDev(folder);
    const pid = Number(/agents run in (\d+)/.exec(dev.err())?.[1]);
    process.kill(pid, 'SIGSTOP');

    dev.process.kill('SIGINT');
    await eventually(() => dev.err()).toContain('draining; Ctrl-C again to stop at once');
    dev.process.kill('SIGINT');

    expect(await dev.exited).toBe(130);
    await eventually(() => isRunning(pid)).toBe(false);
  }, 120_000);

  test('leaves nothing running when it is killed', async () => {
    using folder = devFolder();
    await using dev = await startDev(folder);
    const url = /nats:\/\/\S+/.exec(dev.out())?.[0] ?? '';

    dev.process.kill('SIGKILL');
    await dev.exited;

    await eventually(async () => (await run(folder, ['inspect', 'hello/ada', '--servers', url])).code).toBe(5);
  }, 120_000);
});

describe('wakebus node', () => {
  test('serves a file’s agents once there is a deployment, tells orchestrators how it is, and drains on SIGTERM', async () => {
    using folder = devFolder();
    await using server = await startNatsServer();
    const at = ['--servers', server.url];
    expect(await run(folder, ['node', 'agent.ts', ...at])).toMatchObject({
      code: 3,
      err: expect.stringContaining('wakebus setup'),
    });
    expect((await run(folder, ['setup', ...at])).code).toBe(0);
    await using node = start(folder, ['node', 'agent.ts', '--health-port', '0', ...at]);
    await expect.poll(() => node.out() + node.err(), { timeout: START_MS }).toContain('health  http');
    const url = /http:\S+/.exec(node.out())?.[0] ?? '';

    const answers = await Promise.all(['/health', '/ready', '/'].map((path) => fetch(url + path)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404]);
    const sent = await run(folder, ['send', 'hello/ada', 'greet', '{"name":"Ada"}', '--wait', '--json', ...at]);
    expect(JSON.parse(sent.out)).toMatchObject({ value: { text: 'Hello, Ada' } });
    node.process.kill('SIGTERM');

    expect(await node.exited, node.err()).toBe(0);
  }, 120_000);

  test('leaves again where it cannot tell how it is: nobody waits for its lease', async () => {
    using folder = devFolder();
    await using server = await startNatsServer();
    const at = ['--servers', server.url];
    expect((await run(folder, ['setup', ...at])).code).toBe(0);

    const refused = await run(folder, ['node', 'agent.ts', '--health-host', '203.0.113.1', ...at]);

    expect(refused).toMatchObject({ code: 7, err: expect.stringContaining('203.0.113.1:8081') });
    const connection = await connectNats({ servers: server.url });
    const client = await createClient(connection);
    expect(await client.nodes()).toEqual([]);
    await connection.close();
  }, 120_000);
});

test('the version is printed', async () => {
  using folder = devFolder();

  expect(await run(folder, ['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test('the demo reads its own options', async () => {
  using folder = devFolder();

  expect(await run(folder, ['demo', '--help'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('Usage: wakebus demo'),
  });
  expect((await run(folder, ['demo', '--nope'])).code).toBe(2);
});

test('a reader that goes away is no failure', async () => {
  using folder = devFolder();
  const running = start(folder, ['--help']);
  running.process.stdout.destroy();

  expect(await running.exited).toBe(0);
});
