import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '@wakebus/cli';
import type { Client } from '@wakebus/client';
import type { PlacementNode } from '@wakebus/placement-node';
import { encode } from '@wakebus/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { eventually } from './eventually.ts';
import { type Place, type Run, startPlace } from './place.ts';

let place: Place;
let client: Client;
let node: PlacementNode;

beforeAll(async () => {
  place = await startPlace();
  ({ client, node } = await place.serve(counter));
});

afterAll(() => place[Symbol.asyncDispose]());

/** Runs a command against the server, given by the environment. */
async function run(
  argv: readonly string[],
  given: { input?: string; files?: Record<string, string> } = {},
): Promise<Run> {
  const { input, files = {} } = given;
  using io = place.io(input === undefined ? {} : { input });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(io.cwd, name), text);
  return { code: await runCli(argv, io), io };
}

describe('send', () => {
  test('prints the message ID on stdout, and where it is stored on stderr', async () => {
    const { code, io } = await run(['send', 'counter/plain', 'add', '{"by":1}', '--id', 'k1']);

    expect(code).toBe(0);
    expect(io.stdout).toBe('k1\n');
    expect(io.stderr).toMatch(/^stored at \d+\n$/);
  });

  test('the same ID again is no second event', async () => {
    await run(['send', 'counter/twice', 'add', '{"by":1}', '--id', 'k']);
    const { code, io } = await run(['send', 'counter/twice', 'add', '{"by":1}', '--id', 'k', '--json']);

    expect(code).toBe(0);
    expect(io.json()).toEqual([
      { v: 1, kind: 'receipt', agent: 'counter/twice', messageId: 'k', seq: expect.any(Number), duplicate: true },
    ]);
  });

  test('--wait prints the answer', async () => {
    const { code, io } = await run(['send', 'counter/wait', 'add', '{"by":5}', '--wait']);

    expect(code).toBe(0);
    expect(io.stdout).toBe('{ total: 5 }\n');
    expect(io.stderr).toBe('');
  });

  test('--wait tells on stderr when the agent is asleep again', async () => {
    const { io } = await run(['send', 'counter/tired', 'rest', '--wait']);

    expect(io.stdout).toBe("'good night'\n");
    expect(io.stderr).toMatch(/^asleep again after \d+(\.\d+)? m?s\n$/);
  });

  test('takes the payload from standard input', async () => {
    const { io } = await run(['send', 'counter/stdin', 'add', '-', '--wait', '--json'], { input: '{"by":7}' });

    expect(io.json()).toMatchObject([{ v: 1, kind: 'reply', value: { total: 7 } }]);
  });

  test('takes the payload from a file', async () => {
    const files = { 'event.json': '{"by":9}' };

    const { io } = await run(['send', 'counter/file', 'add', '@event.json', '-w', '--json'], { files });

    expect(io.json()).toMatchObject([{ value: { total: 9 } }]);
  });

  test.each([
    ['a refusal is a failure', 1, ['send', 'counter/no', 'decline', '--wait'], 'AGENT_REFUSED'],
    [
      'an event that the machine does not know is invalid',
      7,
      ['send', 'counter/no', 'dance', '--wait'],
      'EVENT_UNKNOWN',
    ],
    [
      'no answer in time: the outcome is unknown',
      6,
      ['send', 'nobody/x', 'hello', '--wait', '--deadline', '200ms'],
      'CALL_TIMEOUT',
    ],
  ])('%s', async (_what, expected, argv, message) => {
    const { code, io } = await run(argv);

    expect(code).toBe(expected);
    expect(io.stderr).toContain(`(${message})`);
  });

  test('to a completed agent is a conflict', async () => {
    await run(['send', 'counter/over', 'finish', '--wait']);

    expect((await run(['send', 'counter/over', 'add', '{"by":1}', '--wait'])).code).toBe(4);
  });
});

describe('inspect', () => {
  test('shows an agent to a person', async () => {
    await run(['send', 'counter/seen', 'add', '{"by":2}', '--wait']);

    const { code, io } = await run(['inspect', 'counter/seen']);

    expect(code).toBe(0);
    expect(io.stdout).toMatch(/^counter\/seen {2}awake on node-\w+, since /);
    expect(io.stdout).toContain("state    'open'");
    expect(io.stdout).toContain('context  { total: 2 }');
    expect(io.stdout).toMatch(/timer {4}\S+ in (1 h|60 min|59 min)/);
  });

  test('shows it to a program', async () => {
    const { io } = await run(['inspect', 'counter/seen', '--json']);

    expect(io.json()).toMatchObject([
      { v: 1, kind: 'agent', address: 'counter/seen', context: { total: 2 }, lifecycle: { name: 'awake' } },
    ]);
  });

  test('of nobody: not found', async () => {
    const { code, io } = await run(['inspect', 'counter/none']);

    expect(code).toBe(3);
    expect(io.stderr).toContain('There is no agent counter/none');
  });

  test('of a damaged record: an operator must look', async () => {
    place.connection.publish('$KV.wakebus_agents.counter.broken', encode('x'));
    await place.connection.flush();

    await eventually(async () => (await run(['inspect', 'counter/broken'])).code).toBe(4);
  });
});

describe('agents list', () => {
  test('is a table for people, with the count on stderr', async () => {
    const { code, io } = await run(['agents', 'list', '--type', 'counter', '--lifecycle', 'completed']);

    expect(code).toBe(0);
    expect(io.stdout.split('\n')[0]).toMatch(/^AGENT +LIFECYCLE +STATE +TURNS +CHANGED +NEXT WAKE +SIZE$/);
    expect(io.stdout).toMatch(/\ncounter\/over +completed +closed +2 +/);
    expect(io.stderr).toBe('1 agent\n');
  });

  test('is a line an agent for programs, and goes on at a cursor', async () => {
    const all = (await run(['agents', 'list', '--json'])).io.json();
    const first = await run(['agents', 'list', '--limit', '2']);
    const cursor = /--cursor (\d+)/.exec(first.io.stderr)?.[1] ?? '';
    const rest = (await run(['agents', 'list', '--json', '--cursor', cursor])).io.json();

    expect(all.length).toBeGreaterThan(5);
    expect(rest.map(({ address }) => address)).toEqual(all.slice(2).map(({ address }) => address));
  });

  test('an ID with line breaks and terminal commands stays one harmless line, for a program as it is', async () => {
    const id = 'x\r\ncounter/fake  asleep\u001B[2J';
    await client.agent('counter', id).call({ type: 'add', by: 1 });
    const shown = String.raw`counter/x\x0d\x0acounter/fake  asleep\x1b[2J`;

    const { io } = await run(['agents', 'list']);
    expect(io.stdout.split('\n').filter((line) => line.includes('fake'))).toEqual([
      expect.stringContaining(`${shown}  `) as string,
    ]);
    expect((await run(['inspect', `counter/${id}`])).io.stdout).toContain(`${shown}  awake`);
    const lines = (await run(['agents', 'list', '--json'])).io.json();
    expect(lines.map(({ address }) => address)).toContain(`counter/${id}`);
    await client.remove(`counter/${id}`);
  });

  test('of nobody says so, and prints nothing', async () => {
    const { code, io } = await run(['agents', 'list', '--type', 'unknown']);

    expect([code, io.stdout, io.stderr]).toEqual([0, '', '0 agents\n']);
  });
});

describe('status', () => {
  test('counts agents, nodes and what waits', async () => {
    await run(['send', 'nobody/y', 'hello']);

    const { code, io } = await run(['status']);

    expect(code).toBe(0);
    expect(io.stdout).toMatch(/^\d+ asleep · \d+ awake/);
    expect(io.stdout).toContain(`node ${node.nodeId}  active, pool default, counter v1`);
    expect(io.stdout).toMatch(/pending nobody {2}2 messages for 2 agents/);
    expect(io.stdout).toMatch(/wakebus_inbox {2}\d+ messages, 0\.0 % full/);
  });

  test('as JSON', async () => {
    const { io } = await run(['status', '--json']);

    expect(io.json()).toMatchObject([
      {
        v: 1,
        kind: 'status',
        deployment: { prefix: 'wakebus', partitions: 16, shards: 1 },
        agents: { completed: 1 },
        nodes: [{ nodeId: node.nodeId }],
        pending: { nobody: { messages: 2, agents: 2 } },
      },
    ]);
  });
});

test('a deployment that does not exist is not found, and the mend is named', async () => {
  const { code, io } = await run(['status', '--prefix', 'elsewhere']);

  expect(code).toBe(3);
  expect(io.stderr).toContain('wakebus setup');
});

test('what the commands sent has arrived', async () => {
  expect((await client.inspect(counter, 'twice'))?.context.total).toBe(1);
});
