import { runCli } from '@wakebus/cli';
import { Layout } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { fakeIo } from './fake-io.ts';

/** Nothing listens there. */
const NOWHERE = 'nats://127.0.0.1:1';

describe('usage: exit code 2, and nothing on stdout', () => {
  test.each([
    ['an unknown command, with a suggestion', ['snd'], /Did you mean send\?/],
    ['an unknown option, with a suggestion', ['send', '--wiat', 'a/b', 'c'], /Did you mean --wait\?/],
    ['a missing argument', ['send', 'hello/ada'], /missing required argument 'event'/],
    ['one argument too many', ['inspect', 'a/b', 'c'], /too many arguments/],
    ['a lifecycle that is none', ['agents', 'list', '--lifecycle', 'dead'], /Allowed choices are asleep/],
  ])('%s', async (_what, argv, message) => {
    using io = fakeIo();

    expect(await runCli(argv, io)).toBe(2);
    expect(io.stderr).toMatch(message);
    expect(io.stdout).toBe('');
  });

  test('no command at all shows the help', async () => {
    using io = fakeIo();

    expect(await runCli([], io)).toBe(2);
    expect(io.stderr).toContain('Usage: wakebus');
  });
});

describe('help: exit code 0, on stdout, with examples', () => {
  test.each([
    [['--help']],
    [['send', '--help']],
    [['help', 'send']],
    [['agents', 'list', '--help']],
    [['dev', '-h']],
    [['doctor', '--help']],
    [['setup', '--help']],
    [['status', '--help']],
    [['inspect', '--help']],
  ])('%j', async (argv) => {
    using io = fakeIo();

    expect(await runCli(argv, io)).toBe(0);
    expect(io.stdout).toContain('Examples:\n  $ wakebus ');
    expect(io.stderr).toBe('');
  });

  test('names the exit codes', async () => {
    using io = fakeIo();
    await runCli(['--help'], io);

    expect(io.stdout).toContain('6 outcome unknown');
  });
});

describe('invalid: exit code 7, before anything is sent', () => {
  test.each([
    ['an address without a slash', ['send', 'hello', 'greet'], /"hello" is not an agent address/],
    ['an event of the runtime', ['send', 'a/b', 'xstate.init'], /only the runtime may send/],
    ['a payload that is not JSON', ['send', 'a/b', 'c', '{oops'], /it is not JSON/],
    ['a payload that is no object', ['send', 'a/b', 'c', '[1]'], /write a JSON object/],
    ['a file that is not there', ['send', 'a/b', 'c', '@none.json'], /none\.json cannot be read \(ENOENT\)/],
    ['a deadline that is none', ['send', 'a/b', 'c', '--deadline', 'soon'], /--deadline/],
    ['a count that is none', ['agents', 'list', '--limit', 'all'], /--limit/],
    ['credentials that are not there', ['--creds', 'none.creds', 'inspect', 'a/b'], /none\.creds cannot be read/],
    ['a file to run that is not there', ['dev', 'none.ts'], /there is no .*none\.ts/],
  ])('%s', async (_what, argv, message) => {
    using io = fakeIo({ env: { WAKEBUS_SERVERS: NOWHERE } });

    expect(await runCli(argv, io)).toBe(7);
    expect(io.stderr).toMatch(message);
    expect(io.stdout).toBe('');
  });
});

describe('no server: exit code 5', () => {
  test.each([[['send', 'a/b', 'c']], [['inspect', 'a/b']], [['agents', 'list']], [['status']]])('%j', async (argv) => {
    using io = fakeIo({ env: { NATS_URL: NOWHERE } });

    expect(await runCli(argv, io)).toBe(5);
    expect(io.stderr).toContain(`No NATS server answers at ${NOWHERE}`);
  });

  test('with --json the error is a line of JSON under a version', async () => {
    using io = fakeIo({ env: { NATS_URL: NOWHERE } });

    await runCli(['inspect', 'a/b', '--json'], io);

    expect(JSON.parse(io.stderr)).toMatchObject({ v: 1, kind: 'error', code: 'NOT_CONNECTED', next: 'retryable' });
  });
});

async function failedInspect(isTerminal: boolean, env: Record<string, string>): Promise<string> {
  using io = fakeIo({ isTerminal, env: { NATS_URL: NOWHERE, ...env } });
  await runCli(['inspect', 'a/b'], io);
  return io.stderr;
}

describe('colour', () => {
  test('is there on a terminal', async () => expect(await failedInspect(true, {})).toContain('\u001B['));
  test('is not there in a pipe', async () => expect(await failedInspect(false, {})).not.toContain('\u001B['));
  test('is not there with NO_COLOR', async () =>
    expect(await failedInspect(true, { NO_COLOR: '1' })).not.toContain('\u001B['));
});

test('Ctrl-C ends a command that waits: exit code 130', async () => {
  using io = fakeIo({ env: { NATS_URL: 'nats://192.0.2.1:4222' } });
  const running = runCli(['inspect', 'a/b'], io);

  io.stop();

  expect(await running).toBe(130);
});

test('the help of setup names the defaults that hold', async () => {
  using io = fakeIo();
  await runCli(['setup', '--help'], io);

  const { partitions, shards } = new Layout();
  expect(io.stdout.replaceAll(/\s+/g, ' ')).toContain(
    `partitions of the inbox; fixed from then on (default: ${partitions})`,
  );
  expect(io.stdout.replaceAll(/\s+/g, ' ')).toContain(`fixed from then on (default: ${shards})`);
});
