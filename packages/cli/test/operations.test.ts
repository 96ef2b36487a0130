/** `doctor` and `setup`, against servers on which something is wrong. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { runCli } from '@wakebus/cli';
import { createClient } from '@wakebus/client';
import { findNatsServer } from '@wakebus/nats-server';
import { createDeployment, startPlacementNode } from '@wakebus/placement-node';
import { describe, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { fakeIo } from './fake-io.ts';
import { eventually } from './eventually.ts';
import { startPlace } from './place.ts';

/** What `setup --print` prints. */
interface Print {
  readonly streams: ReadonlyArray<{ readonly name: string; readonly num_replicas: number }>;
  readonly mappings?: Readonly<Record<string, string>>;
}

/** A server of another age, as far as a client can tell before it asks for anything. */
async function oldServer(version: string): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(
      `INFO ${JSON.stringify({ server_id: 'old', version, jetstream: true, headers: true, max_payload: 1_048_576 })}\r\n`,
    );
    socket.on('data', (data) => data.includes('PING\r\n') && socket.write('PONG\r\n'));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

/** The real server, started as if nobody had heard of JetStream. */
async function bareServer(): Promise<AsyncDisposable & { readonly url: string }> {
  const child = spawn(await findNatsServer(), ['-a', '127.0.0.1', '-p', '-1'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    log += String(chunk);
    if (log.includes('Server is ready')) break;
  }
  child.stderr.resume();
  return {
    url: `nats://127.0.0.1:${/client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1]}`,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Runs a command against an address. */
async function runAt(url: string, ...argv: string[]): Promise<{ code: number; text: string }> {
  using io = fakeIo({ env: { WAKEBUS_SERVERS: url } });
  return { code: await runCli(argv, io), text: io.stderr };
}

const otherCommands = [['setup'], ['setup', '--check'], ['status'], ['inspect', 'a/b'], ['send', 'a/b', 'c']];

describe('doctor', () => {
  test('is silent when all is well', async () => {
    await using at = await startPlace();
    const { client } = await at.serve(counter);
    await client.agent({ type: 'counter' }, 'a').call({ type: 'add', by: 1 });

    const { code, io } = await at.run('doctor');

    expect([code, io.stdout, io.stderr]).toEqual([0, '', '']);
  });

  test('names messages that nobody runs for, with the pool that would', async () => {
    await using at = await startPlace();
    const node = await startPlacementNode({ connection: at.connection, agents: [counter], pool: 'counters' });
    await node.drain();
    const client = await createClient(at.connection);
    await client.agent({ type: 'counter' }, 'a').send({ type: 'add', by: 1 });
    await client.agent({ type: 'mystery' }, 'a').send({ type: 'add' });
    await client.agent({ type: 'mystery' }, 'b').send({ type: 'add' });

    const { code, io } = await at.run('doctor');

    expect(code).toBe(1);
    expect(io.stdout).toBe('');
    const lines = io.stderr.trim().split('\n').toSorted();
    expect(lines).toEqual([
      expect.stringMatching(
        /^! 1 message for 1 agent of type "counter" waits.*start a placement node with "counter" in the pool "counters"/,
      ),
      expect.stringMatching(
        /^! 2 messages for 2 agents of type "mystery" wait.*no placement node has ever run "mystery"/,
      ),
    ]);
  });

  test('names agents that need someone', async () => {
    await using at = await startPlace();
    const node = await startPlacementNode({ connection: at.connection, agents: [counter] });
    const client = await createClient(at.connection);
    await client.agent({ type: 'counter' }, 'held').call({ type: 'add', by: 1 });
    await client.suspend('counter/held', { reason: 'to look' });

    const { code, io } = await at.run('doctor', '--json');

    expect(code).toBe(1);
    expect(JSON.parse(io.stderr)).toEqual({
      v: 1,
      kind: 'problem',
      code: 'AGENT_SUSPENDED',
      message: expect.stringContaining('counter/held is suspended. to look'),
    });
    await node.drain();
  });

  test('names partitions that a pool gets nothing from', async () => {
    await using at = await startPlace();
    const node = await startPlacementNode({ connection: at.connection, agents: [counter], pool: 'counters' });
    const manager = await jetstreamManager(at.connection);
    node.close(); // Its lease lives on for a while, and nobody makes the consumer anew.

    await manager.consumers.delete('wakebus_inbox', 'counters-7');
    const { io } = await at.run('doctor');

    expect(io.stderr).toMatch(/^! The pool "counters" has no consumer for 1 partition \(7\)/);
  });

  test('names a stream that is not as it must be, and its mend', async () => {
    await using at = await startPlace();
    await createDeployment(at.connection);
    const manager = await jetstreamManager(at.connection);
    await manager.streams.update('wakebus_births', { allow_direct: false });

    const { code, io } = await at.run('doctor');

    expect(code).toBe(1);
    expect(io.stderr).toMatch(/^! The stream wakebus_births has allow_direct = (?:false|not set); Wakebus needs true/);
  });

  test('names a stream that is missing, and nothing that follows from it', async () => {
    await using at = await startPlace();
    await createDeployment(at.connection);
    const manager = await jetstreamManager(at.connection);
    await manager.streams.delete('wakebus_inbox');

    const { code, io } = await at.run('doctor');

    expect(code).toBe(1);
    expect(io.stderr).toMatch(
      /^! The stream wakebus_inbox does not exist\. Run "wakebus setup" once\. \(STREAM_MISSING\)\n$/,
    );
  });

  test('names an inbox that is nearly full', async () => {
    await using at = await startPlace();
    await createDeployment(at.connection, { inboxMaxMessages: 5 });
    for (let i = 0; i < 4; i += 1) at.connection.publish(`agents.counter.a${i}.add`);
    await at.connection.flush();

    await eventually(async () => (await at.run('doctor')).io.stderr).toMatch(/The inbox wakebus_inbox is 80 % full/);
  });

  test('names a deployment that is not there', async () => {
    await using at = await startPlace();

    const { code, io } = await at.run('doctor');

    expect([code, io.stderr]).toEqual([
      1,
      '! The stream wakebus_births does not exist. Run "wakebus setup" once. (STREAM_MISSING)\n',
    ]);
  });

  test('names a server that runs without JetStream, and so do all commands', async () => {
    await using bare = await bareServer();

    expect(await runAt(bare.url, 'doctor')).toEqual({
      code: 1,
      text: expect.stringMatching(/^! .*JetStream.*\(JETSTREAM_DISABLED\)\n$/) as string,
    });
    for (const command of otherCommands)
      expect(await runAt(bare.url, ...command), command.join(' ')).toEqual({
        code: 5,
        text: expect.stringContaining('(JETSTREAM_DISABLED)') as string,
      });
  });

  test('names an account without JetStream, and so do all commands', async () => {
    await using at = await startPlace({
      config: 'accounts { A: { users: [{ user: a, password: a }] } }\nno_auth_user: a',
    });

    for (const command of [['doctor'], ...otherCommands]) {
      const { code, text } = await runAt(at.server.url, ...command);
      expect([code, text], command.join(' ')).toEqual([
        command[0] === 'doctor' ? 1 : 5,
        expect.stringContaining('(JETSTREAM_DISABLED)') as string,
      ]);
    }
  });

  test('names a server that is too old, with both versions, and so do all commands', async () => {
    await using old = await oldServer('2.9.25');

    expect(await runAt(old.url, 'doctor')).toEqual({
      code: 1,
      text: expect.stringMatching(/^! .*2\.9\.25.*2\.14\.0.*\(SERVER_TOO_OLD\)\n$/) as string,
    });
    for (const command of otherCommands)
      expect(await runAt(old.url, ...command), command.join(' ')).toEqual({
        code: 1,
        text: expect.stringContaining('(SERVER_TOO_OLD)') as string,
      });
  });

  test('names a server that does not answer', async () => {
    using io = fakeIo({ env: { WAKEBUS_SERVERS: 'nats://127.0.0.1:1' } });

    expect(await runCli(['doctor'], io)).toBe(1);
    expect(io.stderr).toMatch(/^! No NATS server answers at nats:\/\/127\.0\.0\.1:1\./);
  });
});

describe('setup', () => {
  test('creates a deployment, and again changes nothing', async () => {
    await using at = await startPlace();

    const first = await at.run('setup', '--partitions', '16', '--shards', '2');
    const second = await at.run('setup', '--json');

    expect([first.code, first.io.stdout, first.io.stderr]).toEqual([0, 'wakebus: 16 partitions, 2 shards\n', '']);
    expect(second.io.json()).toEqual([{ v: 1, kind: 'deployment', prefix: 'wakebus', partitions: 16, shards: 2 }]);
    expect((await at.run('setup', '--check')).code).toBe(0);
  });

  test('--check finds what differs, and creates nothing', async () => {
    await using at = await startPlace();
    expect((await at.run('setup', '--check')).code).toBe(3);
    await at.run('setup');
    const manager = await jetstreamManager(at.connection);
    await manager.streams.delete('wakebus_held');

    const { code, io } = await at.run('setup', '--check');

    expect(code).toBe(1);
    expect(io.stderr).toContain('wakebus_held does not exist');
    expect((await at.run('setup', '--check')).code).toBe(1);
  });

  test('--check --production asks for replicas and a flush on every write', async () => {
    await using at = await startPlace();
    await at.run('setup');

    const { code, io } = await at.run('setup', '--check', '--production');

    expect(code).toBe(1);
    expect(io.stderr).toContain('NOT_DURABLE_ENOUGH');
    expect(io.stderr).toContain('sync_interval');
  });

  test('--print shows the streams as JSON, without any server', async () => {
    using io = fakeIo({ env: { WAKEBUS_SERVERS: 'nats://127.0.0.1:1' } });

    expect(await runCli(['setup', '--print', '--prefix', 'other', '--replicas', '3'], io)).toBe(0);

    const { streams, mappings } = JSON.parse(io.stdout) as Print;
    expect(mappings).toBeUndefined();
    expect(streams.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['other_inbox', 'other_timers', 'KV_other_agents']),
    );
    expect(streams.every((stream) => stream.num_replicas === 3)).toBe(true);
  });

  test('--print with several shards prints an account mapping, with which plain events skip the front door', async () => {
    using io = fakeIo();
    expect(await runCli(['setup', '--print', '--shards', '2', '--partitions', '8'], io)).toBe(0);
    const { mappings } = JSON.parse(io.stdout) as Print;
    await using at = await startPlace({ config: `mappings: ${JSON.stringify(mappings)}` });
    await at.run('setup', '--shards', '2', '--partitions', '8');
    const { client } = await at.serve(counter);

    const acks = await Promise.all(
      ['a', 'b', 'c', 'd'].map((id) => jetstream(at.connection).publish(`agents.counter.${id}.add`, '{"by":2}')),
    );

    expect(new Set(acks.map(({ stream }) => stream))).toEqual(new Set(['wakebus_inbox_0', 'wakebus_inbox_1']));
    await eventually(async () => (await client.inspect('counter/d'))?.context).toMatchObject({ total: 2 });
    expect((await at.run('setup', '--check')).code).toBe(0);
  });

  test('--print --json prints streams and mapping line by line', async () => {
    using io = fakeIo();

    expect(await runCli(['setup', '--print', '--shards', '2', '--prefix', 'other', '--json'], io)).toBe(0);

    expect(io.json().map(({ kind }) => kind)).toEqual([...Array<string>(19).fill('stream'), 'mapping']);
    expect(io.json().at(-1)).toEqual({
      v: 1,
      kind: 'mapping',
      src: 'other.agents.*.*.>',
      dest: 'other.inbox.{{partition(16,1,2)}}.{{wildcard(1)}}.{{wildcard(2)}}.e.>',
    });
  });

  test.each([
    ['--partitions', '0'],
    ['--shards', 'x'],
    ['--replicas', '-1'],
  ])('refuses %s %s', async (option, value) => {
    using io = fakeIo();

    expect(await runCli(['setup', '--print', option, value], io)).toBe(7);
  });
});
