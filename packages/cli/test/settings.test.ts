import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeDevServer } from '../src/dev/dev-server-file.ts';
import { resolveSettings } from '../src/settings.ts';
import { type FakeIo, fakeIo } from './fake-io.ts';

function projectFile(io: FakeIo, settings: object): void {
  writeFileSync(join(io.cwd, 'wakebus.json'), JSON.stringify(settings));
}

function userFile(io: FakeIo, settings: object): void {
  mkdirSync(join(io.cwd, '.config', 'wakebus'), { recursive: true });
  writeFileSync(join(io.cwd, '.config', 'wakebus', 'config.json'), JSON.stringify(settings));
}

describe('the server is the one named by', () => {
  test('nobody: this machine’s own', () => {
    using io = fakeIo();

    expect(resolveSettings({}, io)).toEqual({ servers: 'nats://127.0.0.1:4222', serversFrom: 'the default' });
  });

  test('the user file', () => {
    using io = fakeIo();
    userFile(io, { servers: 'nats://user' });

    expect(resolveSettings({}, io).servers).toBe('nats://user');
  });

  test('the project file, before the user file, each setting for itself', () => {
    using io = fakeIo();
    userFile(io, { servers: 'nats://user', prefix: 'mine' });
    projectFile(io, { servers: 'nats://project' });

    expect(resolveSettings({}, io)).toMatchObject({ servers: 'nats://project', prefix: 'mine' });
  });

  test('the dev server of the folder, before the project file, while it lives', () => {
    using io = fakeIo();
    projectFile(io, { servers: 'nats://project' });
    writeDevServer(io.cwd, { servers: 'nats://dev', pid: process.pid });
    expect(resolveSettings({}, io).servers).toBe('nats://dev');

    writeDevServer(io.cwd, { servers: 'nats://dev', pid: 2 ** 22 + 1 });

    expect(resolveSettings({}, io).servers).toBe('nats://project');
  });

  test.each([
    [{ WAKEBUS_SERVERS: 'nats://env' }, 'nats://env'],
    [{ NATS_URL: 'nats://env' }, 'nats://env'],
    [{ WAKEBUS_SERVERS: 'nats://env', NATS_URL: 'nats://other' }, 'nats://env'],
  ])('the environment, before any file: %j', (env, servers) => {
    using io = fakeIo({ env });
    projectFile(io, { servers: 'nats://project' });
    writeDevServer(io.cwd, { servers: 'nats://dev', pid: process.pid });

    expect(resolveSettings({}, io)).toMatchObject({ servers, serversFrom: 'the environment' });
  });

  test('a flag, before all', () => {
    using io = fakeIo({ env: { WAKEBUS_SERVERS: 'nats://env' } });

    expect(resolveSettings({ servers: 'nats://flag' }, io)).toMatchObject({
      servers: 'nats://flag',
      serversFrom: 'a flag',
    });
  });
});

test('a project file is found from a folder below', () => {
  using io = fakeIo();
  projectFile(io, { prefix: 'above' });
  const below = join(io.cwd, 'a', 'b');
  mkdirSync(below, { recursive: true });

  expect(resolveSettings({}, { ...io, cwd: below }).prefix).toBe('above');
});

test('a credentials file stands beside the file that names it', () => {
  using io = fakeIo();
  projectFile(io, { creds: 'secret.creds' });

  expect(resolveSettings({}, io).creds).toBe(join(io.cwd, 'secret.creds'));
});

test('the sources of the nearest file hold, with their folder', () => {
  using io = fakeIo();
  userFile(io, { sources: { mine: {} } });
  expect(resolveSettings({}, io).sources).toEqual({
    sources: { mine: {} },
    folder: join(io.cwd, '.config', 'wakebus'),
  });

  projectFile(io, { sources: { ours: {} } });

  expect(resolveSettings({}, io).sources).toEqual({ sources: { ours: {} }, folder: io.cwd });
});

test.each([
  ['not JSON', 'not { json'],
  ['with sources that are a list', '{"sources":[]}'],
  ['a list', '[]'],
  ['an unknown setting', '{"server":"x"}'],
  ['a number', '{"prefix":1}'],
])('a project file that is %s is refused by its name', (_what, text) => {
  using io = fakeIo();
  writeFileSync(join(io.cwd, 'wakebus.json'), text);

  expect(() => resolveSettings({}, io)).toThrow(/wakebus\.json/);
});

describe('what is configured for agents', () => {
  test('stands beside the other settings, each name taken from the first source that has it', () => {
    using io = fakeIo({ env: { WAKEBUS_AGENT_IDLE_TIMEOUT: ' 2.5 ', WAKEBUS_AGENT_MAX_RESTARTS: '' } });
    userFile(io, { agentMaxRestarts: 9, agentRestartBackoffSeconds: 7 });
    projectFile(io, { prefix: 'mine', agentIdleTimeout: 1800, agentMaxRestarts: 5 });

    expect(resolveSettings({}, io)).toMatchObject({
      prefix: 'mine',
      agentDefaults: { sleep: { afterMs: 2_500 }, retry: { attempts: 5, backoffMs: 7_000 } },
    });
  });

  test.each([
    [{ agentIdleTimout: 5 }, /wakebus\.json.*did you mean "agentIdleTimeout"/],
    [{ agentIdleTimeout: '30m' }, /wakebus\.json.*"agentIdleTimeout": write a number of seconds.*not "30m"/],
  ])('is refused by the file and the name when it is wrong: %j', (settings, message) => {
    using io = fakeIo();
    projectFile(io, settings);

    expect(() => resolveSettings({}, io)).toThrow(message);
  });

  test.each(['30m', '-1', '1e3', '0x10'])('is refused by the variable when it is no number: %s', (text) => {
    using io = fakeIo({ env: { WAKEBUS_AGENT_IDLE_TIMEOUT: text } });

    expect(() => resolveSettings({}, io)).toThrow(/WAKEBUS_AGENT_IDLE_TIMEOUT.*seconds/);
  });
});
