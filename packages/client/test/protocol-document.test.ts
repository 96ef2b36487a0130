/** PROTOCOL.md is read by people who write clients: what it names is what the code has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DEFAULT_DEADLINE_MS,
  EVENT_LIMIT_BYTES,
  Layout,
  MAX_DEPTH,
  MAX_NODES,
  OUTSIDE_FILL_LIMIT,
  RECORD_LIMIT_BYTES,
  decode,
  encode,
  errorCodes,
  header,
  parseAddress,
} from '@wakebus/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { type TestDeployment, startDeployment } from './deployment.ts';

const text = readFileSync(join(import.meta.dirname, '../../protocol/PROTOCOL.md'), 'utf8');

test('names the headers that a client sends', () => {
  const { messageId, contentType, traceparent, tracestate, reply, deadline } = header;

  for (const name of [messageId, contentType, traceparent, tracestate, reply, deadline])
    expect(text).toContain(`\`${name}\``);
});

test('names only error codes that exist', () => {
  const named = [...text.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code);

  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((code) => !errorCodes.some((known) => known.code === code))).toEqual([]);
});

test('computes keys and partitions as the code does', () => {
  const rows = [...text.matchAll(/^\| `([^`]+\/[^`]+)` \| `([^`]+)` \| (\d+) \|$/gm)];

  expect(rows).toHaveLength(3);
  for (const [, address = '', key, partition] of rows) {
    expect(parseAddress(address)).toBe(key);
    expect(new Layout({ partitions: 64 }).partitionOf(parseAddress(address))).toBe(Number(partition));
  }
});

test('states the limits that hold', () => {
  expect(EVENT_LIMIT_BYTES).toBe(256 * 1024);
  expect(RECORD_LIMIT_BYTES).toBe(768 * 1024);
  expect([MAX_DEPTH, MAX_NODES, OUTSIDE_FILL_LIMIT, DEFAULT_DEADLINE_MS]).toEqual([64, 100_000, 0.8, 30_000]);
  for (const limit of ['256 KB', '768 KB', '64 deep', '100,000', '80 %', '30 s']) expect(text).toContain(limit);
});

test('shows an answer in the bytes that it has', () => {
  const [, hex = ''] = /is `([0-9a-f ]+)`\.\n/.exec(text) ?? [];

  expect(Buffer.from(encode({ ok: true, value: { text: 'hi' } })).toString('hex')).toBe(hex.replaceAll(' ', ''));
});

describe('of a real record', () => {
  let deployment: TestDeployment<{ counter: typeof counter }>;

  beforeAll(async () => {
    deployment = await startDeployment();
    await deployment.startNode([counter]);
  });

  afterAll(() => deployment[Symbol.asyncDispose]());

  test('every field is described', async () => {
    const { client, connection } = deployment;
    await client.agent('counter', 'a').call({ type: 'add', by: 1 }, { id: 'x-1' });

    const answer = await connection.request('$JS.API.DIRECT.GET.KV_wakebus_agents.$KV.wakebus_agents.counter.a');

    const described = new Set(
      [...text.matchAll(/^\| ((?:`[A-Za-z]+`(?:, )?)+) \|/gm)].flatMap(([, names = '']) =>
        names.replaceAll('`', '').split(', '),
      ),
    );
    const fields = Object.keys(decode(answer.data) as object);
    expect(fields).toContain('snapshot');
    expect(fields.filter((field) => !described.has(field))).toEqual([]);
  });

  test('the layout stands in the metadata of the births stream', async () => {
    const answer = await deployment.connection.request('$JS.API.STREAM.INFO.wakebus_births');

    expect(answer.json<{ config: { metadata: Record<string, string> } }>().config.metadata).toMatchObject({
      'wakebus.partitions': '16',
      'wakebus.shards': '1',
    });
  });
});
