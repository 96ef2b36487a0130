/** Agents that are programs, on a real placement node and a real server: each program is a real process. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AnyAgentDefinition } from '@wakebus/core';
import { afterEach, describe, expect, test } from 'vitest';
import { type TestDeployment, useServer } from '../../placement-node/test/support/deployment.ts';
import { eventually } from '../../placement-node/test/support/eventually.ts';
import { type ProcessAgentOptions, defineProcessAgent } from '../src/mod.ts';
import { isListening, markedProcesses, openFiles } from './support/processes.ts';

const deploy = useServer();
const worker = new URL('./support/worker.mjs', import.meta.url).pathname;
const command = [process.execPath, worker];
/** Stands in the environment of every program of this file's present test. */
let mark = randomUUID();
let folder = mkdtempSync(join(tmpdir(), 'wakebus-runners-'));

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mark = randomUUID();
  folder = mkdtempSync(join(tmpdir(), 'wakebus-runners-'));
});

function notes(): string[] {
  return readFileSync(join(folder, 'notes'), 'utf8').trim().split('\n');
}

function workerAgent(options: Partial<ProcessAgentOptions> = {}): AnyAgentDefinition {
  const env = { MARK: mark, NOTES: join(folder, 'notes'), ...options.env };
  return defineProcessAgent({ type: 'worker', command, writable: [folder], ...options, env });
}

/** No agent of these tests waits for its next try. */
const retry = { attempts: 2, backoffMs: 20 };

function call(bus: TestDeployment, event: { type: string; [field: string]: unknown }, id = 'ada'): Promise<unknown> {
  return bus.client.agent('worker', id).call(event, { deadlineMs: 60_000 });
}

async function dies(bus: TestDeployment): Promise<void> {
  await eventually(() => expect(markedProcesses(mark)).toEqual([]));
  expect(bus).toBeDefined();
}

test('each event is put to the program, and what it answers is one commit', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents: [workerAgent()] });

  expect(await call(bus, { type: 'add', by: 2 })).toBe(2);
  const { revision } = await bus.inspect('ada', 'worker');
  expect(await call(bus, { type: 'add', by: 3 })).toBe(5);

  const found = await bus.inspect('ada', 'worker');
  expect([found.context, found.lifecycle.name]).toEqual([{ state: { count: 5 }, output: null }, 'awake']);
  expect(found.revision - revision).toBe(1);
  expect([node.status().programs, notes()]).toEqual([1, ['wake worker/ada', 'event add', 'event add']]);
});

test('a program gets what woke it, and nothing of its node’s environment', async () => {
  const bus = await deploy();
  process.env['WAKEBUS_TEST_SECRET'] = 'of the node';
  await bus.startNode({ agents: [workerAgent()] });

  const { env, wake } = (await call(bus, { type: 'env' })) as {
    readonly env: Record<string, string>;
    readonly wake: object;
  };

  expect(env).toMatchObject({ WAKEBUS_AGENT: 'worker/ada', WAKEBUS_EPOCH: '1', WAKEBUS_CAUSE: 'env', MARK: mark });
  expect(env).not.toHaveProperty('WAKEBUS_TEST_SECRET');
  expect(wake).toMatchObject({ protocol: 1, address: 'worker/ada', epoch: 1, cause: 'env', state: null });
  delete process.env['WAKEBUS_TEST_SECRET'];
});

test('a program sends, sets timers, refuses, and completes', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [workerAgent()] });

  await call(bus, { type: 'tell', to: 'worker/bob', what: 7 });
  await eventually(async () =>
    expect((await bus.inspect('bob', 'worker')).context).toMatchObject({ state: { count: 7 } }),
  );
  await call(bus, { type: 'later', delayMs: 10, by: 4 });
  await eventually(async () =>
    expect((await bus.inspect('ada', 'worker')).context).toMatchObject({ state: { count: 4 } }),
  );
  await expect(call(bus, { type: 'refuse' })).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
  await call(bus, { type: 'finish' });
  await eventually(async () => expect((await bus.inspect('ada', 'worker')).lifecycle.name).toBe('completed'));
  await expect(call(bus, { type: 'add', by: 1 })).rejects.toMatchObject({ code: 'AGENT_COMPLETED' });
});

test('an event that comes twice is put to the program once', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [workerAgent()] });
  const agent = bus.client.agent('worker', 'ada');

  await agent.send({ type: 'add', by: 1 }, { id: 'one' });
  await bus.drained();
  await bus.purge(bus.layout.inboxStream(0));
  await agent.call({ type: 'add', by: 1 });

  expect(notes().filter((note) => note === 'event add')).toHaveLength(2);
});

test('what a program prints is in the log, with the agent', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [workerAgent()] });

  await call(bus, { type: 'print', text: 'hello there' });

  const lines = [
    { message: 'hello there', facts: { agent: 'worker.ada', stream: 'stdout' } },
    { message: 'hello there on stderr', facts: { agent: 'worker.ada', stream: 'stderr' } },
  ];
  await eventually(() =>
    expect(bus.logs).toEqual(expect.arrayContaining(lines.map((line) => ({ level: 'info', ...line })))),
  );
});

test('a frame that comes after its event is left out, and nothing of it is in the log', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [workerAgent()] });

  await call(bus, { type: 'afterthought' });

  await eventually(() =>
    expect(bus.logs.map(({ message }) => message)).toContain('frame "state" between two events: left out'),
  );
  expect(JSON.stringify(bus.logs)).not.toContain('of the agent');
  expect(await call(bus, { type: 'add', by: 1 })).toBe(1);
});

describe('a program that fails', () => {
  test('in the middle of an event is started again from what was committed, and the attempt is counted', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [workerAgent({ retry })] });
    await call(bus, { type: 'add', by: 5 });

    expect(await call(bus, { type: 'failOnce' })).toBe(2);

    expect(await call(bus, { type: 'add', by: 1 })).toBe(6);
    expect(notes().filter((note) => note.startsWith('wake'))).toHaveLength(2);
  });

  test.each([
    [{ type: 'exit', code: 3 }, 'it ended with exit code 3'],
    [{ type: 'abort' }, 'it was ended by SIG|it ended with exit code 134'],
    [{ type: 'fail' }, 'it said: no such thing'],
    [{ type: 'mistell' }, 'not a/address|INVALID_ADDRESS|address'],
    [{ type: 'garble' }, 'the field "to" of its frame "send" is wrong'],
    [{ type: 'flood' }, 'its answer is over 16777216 bytes'],
    [{ type: 'never' }, 'the field "delayMs" of its frame "timer" is wrong'],
    [{ type: 'ramble' }, 'it said: so so '],
    [{ type: 'hang' }, 'it did not answer within 300 ms'],
    [{ type: 'eat' }, 'it (ended with|was ended by)|it said: .*alloc'],
  ])('for good by %j is a dead letter that says why, and the agent goes on as it was', async (event, why) => {
    const bus = await deploy();
    const limits = { eventMs: event.type === 'hang' ? 300 : 60_000, memoryMb: 700 };
    await bus.startNode({ agents: [workerAgent({ retry: { attempts: 1, backoffMs: 10 }, limits })] });
    await call(bus, { type: 'add', by: 1 });

    await expect(call(bus, event)).rejects.toMatchObject({
      code: 'DEAD_LETTERED',
      message: expect.stringMatching(why),
    });

    expect(await call(bus, { type: 'add', by: 1 })).toBe(2);
    expect((await bus.deadLetters())[0]).toMatchObject({ attempts: 2 });
  });

  test('backs off, and is failed in the end where its type asks for that', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [workerAgent({ retry: { attempts: 1, backoffMs: 600_000 }, onPoison: 'stop' })] });
    await bus.client.agent('worker', 'ada').send({ type: 'exit', code: 1 });

    await eventually(async () => expect((await bus.inspect('ada', 'worker')).lifecycle.name).toBe('backoff'));

    expect((await bus.inspect('ada', 'worker')).lifecycle.code).toBe('PROGRAM_FAILED');
    await dies(bus);
  });

  test('to listen between two events is killed, and the next event starts another', async () => {
    const bus = await deploy();
    const health = { intervalMs: 20, timeoutMs: 200, misses: 2 };
    const node = await bus.startNode({ agents: [workerAgent({ health })] });
    await call(bus, { type: 'add', by: 1 });

    await call(bus, { type: 'deaf' });

    await dies(bus);
    expect(bus.logs.map(({ message }) => message)).toContainEqual(expect.stringContaining('not answered 2 pings'));
    expect(await call(bus, { type: 'add', by: 1 })).toBe(2);
    expect(node.status().programs).toBe(1);
  });

  test('to speak this protocol, or to speak at all, fails its event', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [workerAgent({ env: { PROTOCOL: '9' }, retry: { attempts: 0 } })] });

    await expect(call(bus, { type: 'add', by: 1 })).rejects.toMatchObject({
      message: expect.stringContaining('it speaks protocol 9'),
    });
  });
});

describe('a stopped agent', () => {
  test('has no process, no port and no open file', async () => {
    const bus = await deploy();
    const node = await bus.startNode({ agents: [workerAgent({ network: true })] });
    // What a first program makes the node open and keep (its log, its pools) is none of the agent's.
    await call(bus, { type: 'rest' }, 'first');
    await eventually(() => expect(node.status().sessions).toBe(0));
    await dies(bus);
    const files = openFiles();

    const port = (await call(bus, { type: 'open', path: join(folder, 'open') })) as number;
    expect([markedProcesses(mark).length > 1, isListening(port), openFiles() > files]).toEqual([true, true, true]);
    await call(bus, { type: 'rest' });

    await eventually(() => expect([node.status().sessions, node.status().programs]).toEqual([0, 0]));
    expect((await bus.inspect('ada', 'worker')).lifecycle.name).toBe('asleep');
    expect([markedProcesses(mark), isListening(port)]).toEqual([[], false]);
    await eventually(() => expect(openFiles()).toBeLessThanOrEqual(files));
    expect(notes()).toContain('SIGTERM worker/ada');
  });

  test('has had its program killed where it would not end', async () => {
    const bus = await deploy();
    const node = await bus.startNode({ agents: [workerAgent({ env: { STUBBORN: '1' }, limits: { stopMs: 100 } })] });
    await call(bus, { type: 'add', by: 1 });

    await call(bus, { type: 'rest' });

    await eventually(() => expect(node.status().sessions).toBe(0));
    expect(markedProcesses(mark)).toEqual([]);
    expect(bus.logs.map(({ message }) => message)).toContain('the program did not end within 100 ms, and is killed');
    expect(await call(bus, { type: 'add', by: 1 })).toBe(2);
  });

  test('is what a drain leaves', async () => {
    const bus = await deploy();
    const node = await bus.startNode({ agents: [workerAgent()] });
    await call(bus, { type: 'add', by: 1 });

    await node.drain();

    expect(markedProcesses(mark)).toEqual([]);
    expect((await bus.inspect('ada', 'worker')).lifecycle.name).toBe('asleep');
  });
});

test('a paused agent’s program stands still, and goes on with the next event', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents: [workerAgent({ sleep: { afterMs: 50, mode: 'pause' } })] });
  await call(bus, { type: 'add', by: 1 });
  await eventually(() => expect(node.status().paused).toBe(1));
  // The signal is sent before the pause is told of, and takes effect after that.
  await eventually(() => {
    const states = markedProcesses(mark).map((pid) => / ([A-Z]) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
    expect(new Set(states)).toEqual(new Set(['T']));
  });

  expect(await call(bus, { type: 'add', by: 1 })).toBe(2);

  expect(notes().filter((note) => note.startsWith('wake'))).toHaveLength(1);
});

test('a placement node that leaves without a word leaves no program behind', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents: [workerAgent()] });
  await bus.client.agent('worker', 'ada').send({ type: 'hang' });
  await eventually(() => expect(notes()).toContain('event hang'));

  node.close();

  await dies(bus);
});

test('a killed placement node leaves no program behind, and another node goes on with its event', async () => {
  const bus = await deploy();
  const main = new URL('./support/node-main.ts', import.meta.url).pathname;
  const { url } = bus.server;
  const node = spawn(process.execPath, [main, url, bus.layout.prefix, mark, join(folder, 'notes'), folder]);
  await call(bus, { type: 'add', by: 1 });
  const hanging = call(bus, { type: 'hangOnce' });
  await eventually(() => expect(notes()).toContain('event hangOnce'));

  node.kill('SIGKILL');

  await dies(bus);
  await bus.startNode({ agents: [workerAgent()] });
  expect(await hanging).toBe(2);
  expect(await call(bus, { type: 'add', by: 1 })).toBe(2);
});

test('names that no environment holds keep no program from its event', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [workerAgent({ retry: { attempts: 0 } })] });

  const { env, wake } = (await call(bus, { type: 'env' }, 'a\0b')) as Readonly<Record<'env' | 'wake', object>>;
  await expect(call(bus, { type: 'no\0task' })).rejects.toMatchObject({
    code: 'DEAD_LETTERED',
    message: expect.stringContaining('it said:'),
  });

  expect(env).toMatchObject({ WAKEBUS_AGENT: 'worker/ab' });
  expect(wake).toMatchObject({ address: 'worker/a\0b' });
});

test('where no more files may be opened a program cannot be started now, and its node lives on', async () => {
  const main = new URL('./support/no-files-left.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 128 && exec "$0" "$1"', process.execPath, main]);

  expect(stdout.trim()).toBe('UNAVAILABLE');
});

test('a program that is not there keeps its placement node from starting', async () => {
  const bus = await deploy();

  await expect(bus.startNode({ agents: [workerAgent({ command: ['no-such-program'] })] })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('there is no program "no-such-program"'),
  });
});
