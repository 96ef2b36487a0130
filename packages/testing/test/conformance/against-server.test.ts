/**
 * The model held to real servers: a short slice of `npm run sim -- --against-server`, and the traces that
 * have shown differences.
 */
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareMany } from '../../src/conformance/compare-many.ts';
import { compareTrace } from '../../src/conformance/compare-trace.ts';
import { ServerLane } from '../../src/conformance/server-lane.ts';
import type { Trace } from '../../src/conformance/operation.ts';
import type { MemoryServerOptions } from '../../src/memory/memory-server.ts';
import { regressions } from './regressions.ts';

const append = { do: 'append', log: 'inbox', agent: 0, by: 0 } as const;

/** Models that are wrong in one thing, and a trace that must show it. */
const wrongModels: ReadonlyArray<{ name: string; wrong: (replicas: 1 | 3) => MemoryServerOptions; trace: Trace }> = [
  {
    name: 'the other order of checks',
    wrong: (replicas) => ({ replicas: replicas === 1 ? 3 : 1 }),
    trace: [
      { ...append, id: 0, expect: 'none' },
      { ...append, id: 0, expect: 'none' },
    ],
  },
  { name: 'another limit of messages', wrong: () => ({ inboxMaxMessages: 1 }), trace: [append, append] },
  {
    name: 'another limit of bytes',
    wrong: () => ({ inboxMaxBytes: 1_000 }),
    trace: [{ do: 'info', log: 'inbox' }, append, { do: 'info', log: 'inbox' }],
  },
  {
    name: 'no window for message IDs',
    wrong: () => ({ dedupeWindowMs: 1 }),
    trace: [
      { ...append, id: 0 },
      { do: 'wait', ms: 50 },
      { ...append, id: 0 },
    ],
  },
  {
    name: 'another limit of a message',
    wrong: () => ({ maxPayloadBytes: 10 }),
    trace: [{ do: 'put chunk', chunk: 0 }],
  },
];

describe.each([1, 3] as const)('the model and %i server(s)', (replicas) => {
  let servers: NatsServers;
  let lane: ServerLane;

  beforeAll(async () => {
    servers = await startNatsServer({ cluster: replicas === 3, maxPayloadBytes: 1024 * 1024 });
    lane = await ServerLane.open(servers, {
      name: 'regressions',
      replicas,
      inboxMaxMessages: 100,
      inboxMaxBytes: 1024 ** 3,
      duplicateWindowMs: 120_000,
    });
  });

  afterAll(async () => {
    await lane.close();
    await servers.stop();
  });

  test.each(Object.entries(regressions))('agree: %s', async (_name, trace) => {
    const { difference } = await compareTrace(lane, trace);
    expect(difference).toBeUndefined();
  });

  test('agree over random traces', { timeout: 120_000 }, async () => {
    const rows = await compareMany({ replicas, firstSeed: 1, count: 24, maxLength: 15 });
    expect(rows.filter(({ result }) => result === 'different')).toEqual([]);
    expect(rows.filter(({ result }) => result === 'same').length).toBeGreaterThan(20);
  });

  test.each(wrongModels)('differ where the model has $name', async ({ wrong, trace }) => {
    const { difference } = await compareTrace(lane, trace, { model: wrong(replicas), patienceMs: 500 });
    expect(difference).toBeDefined();
  });
});
