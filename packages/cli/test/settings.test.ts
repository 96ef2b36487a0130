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

test.each([
  ['not JSON', 'not { json'],
  ['a list', '[]'],
  ['an unknown setting', '{"server":"x"}'],
  ['a number', '{"prefix":1}'],
])('a project file that is %s is refused by its name', (_what, text) => {
  using io = fakeIo();
  writeFileSync(join(io.cwd, 'wakebus.json'), text);

  expect(() => resolveSettings({}, io)).toThrow(/wakebus\.json/);
});
