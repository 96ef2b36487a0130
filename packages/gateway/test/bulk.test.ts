import type { ServedGateway } from '@wakebus/gateway';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tally } from './tally-agent.ts';
import { type World, ask, eventually, everyone, startWorld } from './world.ts';

let world: World;
let gateway: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  gateway = await world.serve({ authorize: everyone, limits: { bulkLines: 1_000, bulkBytes: 1_000_000 } });
});

afterAll(() => world[Symbol.asyncDispose]());

interface LineAnswer {
  readonly line: number;
  readonly status: number;
  readonly code?: string;
  readonly messageId?: string;
  readonly duplicate?: boolean;
}

async function send(lines: readonly unknown[], token?: string, to = gateway): Promise<LineAnswer[]> {
  const body = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const headers = {
    'Content-Type': 'application/x-ndjson',
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  };
  const { status, text } = await ask(to, 'POST', '/events', { body, headers });
  expect(status).toBe(200);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LineAnswer);
}

test('each line is answered in its place, and the wrong ones hold up none of the others', async () => {
  const answers = await send([
    { agent: 'tally/a/1', event: 'note', data: { text: 'x' }, id: 'one' },
    '',
    '{"agent":',
    { agent: 'tally', event: 'note' },
    { agent: 'tally/a/1', event: 'xstate.init' },
    { agent: 'tally/a/1' },
    { agent: 'tally/a/1', event: 'note', id: 5 },
    `{"agent":"tally/a/1","event":"note","data":${'['.repeat(70)}${']'.repeat(70)}}`,
    { agent: 'tally/a/1', event: 'note', data: 'x'.repeat(263_000) },
    { agent: 'tally/a/1', event: 'note', data: { text: 'y' }, id: 'one' },
    'null',
  ]);

  expect(answers.map(({ line, status, code }) => [line, status, code])).toEqual([
    [1, 202, undefined],
    [2, 400, 'INVALID_PAYLOAD'],
    [3, 400, 'INVALID_ADDRESS'],
    [4, 400, 'RESERVED_EVENT'],
    [5, 400, 'INVALID_PAYLOAD'],
    [6, 400, 'INVALID_PAYLOAD'],
    [7, 400, 'INVALID_PAYLOAD'],
    [8, 413, 'EVENT_TOO_LARGE'],
    [9, 202, undefined],
    [10, 400, 'INVALID_PAYLOAD'],
  ]);
  expect(answers[8]).toMatchObject({ messageId: 'one', duplicate: true });
  await eventually(async () => (await world.client.inspect(tally, 'a/1'))?.context).toMatchObject({ notes: ['x'] });
});

test('events to one agent are stored in the order of their lines', async () => {
  const lines = Array.from({ length: 900 }, (_, i) => ({
    agent: `tally/order-${i % 3}`,
    event: 'note',
    data: { text: String(i) },
  }));

  const answers = await send(lines);

  expect(answers.every(({ status }) => status === 202)).toBe(true);
  for (const agent of [0, 1, 2]) {
    const wanted = lines.filter((_, i) => i % 3 === agent).map(({ data }) => data.text);
    await eventually(async () => (await world.client.inspect(tally, `order-${agent}`))?.context).toMatchObject({
      notes: wanted,
    });
  }
});

test('a token sends to its own agents only, line by line', async () => {
  const guarded = await world.serve();
  const token = await world.token({ target: 'tally/mine', verbs: ['send'] });

  const answers = await send(
    [
      { agent: 'tally/mine', event: 'note', data: { text: 'x' } },
      { agent: 'tally/yours', event: 'note', data: { text: 'x' } },
    ],
    token,
    guarded,
  );

  expect(answers.map(({ status }) => status)).toEqual([202, 403]);
});

test('too many lines, or bytes, are refused whole', async () => {
  const line = '{"agent":"tally/many","event":"note"}';
  for (const body of [Array.from({ length: 1_001 }, () => line).join('\n'), 'x'.repeat(1_000_001)])
    expect(await ask(gateway, 'POST', '/events', { body })).toMatchObject({
      status: 413,
      body: { code: 'REQUEST_TOO_LARGE' },
    });
  expect(await world.client.inspect(tally, 'many')).toBeUndefined();
});
