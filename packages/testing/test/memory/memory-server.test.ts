import { Layout, agentKey } from '@wakebus/protocol';
import { Simulation } from '@wakebus/testing';
import { expect, test } from 'vitest';

const ann = agentKey('greeter', 'ann');
const nothing = new Uint8Array(0);

function simulation(partitions = 4, shards = 1): Simulation {
  return new Simulation({ seed: 1, layout: new Layout({ partitions, shards }) });
}

test('an outside event is stored in the shard of its agent', () => {
  const { server, layout } = simulation(4, 2);
  for (let i = 0; i < 20; i += 1) server.publish(layout.agentSubject(agentKey('greeter', `a${i}`), 'said'), nothing);
  for (const [shard, { inbox }] of server.shards.entries()) {
    const partitions = [...inbox.subjects('>').keys()].map((subject) => layout.readPending(subject)?.partition ?? -1);
    expect(new Set(partitions.map((partition) => layout.shardOf(partition)))).toEqual(new Set([shard]));
  }
  expect(server.inbox()).toHaveLength(20);
});

test('every write of a key is kept, with who wrote it', async () => {
  const sim = simulation();
  const { agents, leases } = sim.node('a').ports;
  await sim.settle(agents.put(ann, Uint8Array.of(1), 0));
  await sim.settle(agents.remove(ann, 1));
  await sim.settle(leases.put('a', nothing, 0, { ttlMs: 1_000 }));
  await sim.run({ forMs: 2_000 });
  expect(sim.server.agents.writes(ann)).toMatchObject([
    { revision: 1, bytes: Uint8Array.of(1), by: 'a' },
    { revision: 2, bytes: undefined, by: 'a' },
  ]);
  expect(sim.server.leases.writes('a').map(({ by }) => by)).toEqual(['a', '']);
});

test('the marker of an expired lease goes away too, and the key is as if never written', async () => {
  const sim = simulation();
  const { leases } = sim.node('a').ports;
  await sim.settle(leases.put('a', nothing, 0, { ttlMs: 1_000 }));
  await sim.run({ forMs: 12_000 });
  expect(await sim.settle(leases.getFresh('a'))).toEqual({ bytes: undefined, revision: 0 });
});

test('a full inbox holds back what fires, and takes it once there is room', async () => {
  const sim = new Simulation({ seed: 1, layout: new Layout({ partitions: 1 }), server: { inboxMaxMessages: 1 } });
  const { timers, layout, clock } = sim.node('a').ports;
  sim.server.publish(layout.agentSubject(ann, 'said'), nothing);
  const schedule = { atMs: clock.wallMs() + 100, target: layout.fireSubject(ann), ttlMs: 60_000 };
  await sim.settle((timers[0] as (typeof timers)[number]).append(layout.timerSubject(ann, '1'), nothing, { schedule }));
  await sim.run({ forMs: 5_000 });
  expect(sim.server.inbox().map(({ subject }) => layout.readInboxSubject(subject)?.kind)).toEqual(['event']);
  expect(sim.server.isQuiet(0)).toBe(false);
  sim.server.shards[0]?.inbox.remove(1);
  await sim.run({ forMs: 5_000 });
  expect(sim.server.inbox().map(({ subject }) => layout.readInboxSubject(subject)?.kind)).toEqual(['timer']);
});

test("data is the reader's own copy, and the writer's stays the writer's", async () => {
  const sim = simulation();
  const { agents, held, layout } = sim.node('a').ports;
  const data = Uint8Array.of(1);
  const [put, append] = [agents.put(ann, data, 0), held.append(layout.heldSubject(ann), data)];
  data[0] = 2;
  await sim.settle(Promise.all([put, append]));
  for (let i = 0; i < 2; i += 1) {
    const value = (await sim.settle(agents.get(ann))).bytes as Uint8Array;
    const [message] = await sim.settle(held.read('>', 1, 1));
    expect([value[0], message?.data[0]]).toEqual([1, 1]);
    value[0] = 3;
    (message as { data: Uint8Array }).data[0] = 3;
  }
});

test('a full disk leaves writes without an answer until a restart, and loses nothing that was acknowledged', async () => {
  const sim = simulation();
  const { agents, held, layout } = sim.node('a').ports;
  await sim.settle(agents.put(ann, Uint8Array.of(1), 0));
  sim.server.fillDisk();
  const sentMs = sim.nowMs;
  const outcomes = await sim.settle(
    Promise.all([agents.put(ann, Uint8Array.of(2), 1), held.append(layout.heldSubject(ann), nothing)]),
  );
  expect(outcomes.map(({ kind }) => kind)).toEqual(['unknown', 'unknown']);
  expect(sim.nowMs - sentMs).toBeGreaterThanOrEqual(2_000);
  expect(await sim.settle(agents.getFresh(ann))).toEqual({ bytes: Uint8Array.of(1), revision: 1 });
  sim.restartServer();
  await sim.run({ forMs: 1_000 });
  expect(await sim.settle(agents.put(ann, Uint8Array.of(2), 1))).toEqual({ kind: 'stored', revision: 2 });
  expect(await sim.settle(held.read('>', 0, 10))).toEqual([]);
});

test('timers that fall due on a full disk fire after the restart, and keys expire then', async () => {
  const sim = simulation();
  const { timers, leases, layout, clock } = sim.node('a').ports;
  const schedule = { atMs: clock.wallMs() + 500, target: layout.fireSubject(ann), ttlMs: 60_000 };
  await sim.settle((timers[0] as (typeof timers)[number]).append(layout.timerSubject(ann, '1'), nothing, { schedule }));
  await sim.settle(leases.put('a', nothing, 0, { ttlMs: 1_000 }));
  sim.server.fillDisk();
  await sim.run({ forMs: 5_000 });
  expect(sim.server.inbox()).toEqual([]);
  sim.restartServer();
  await sim.run({ forMs: 5_000 });
  expect(sim.server.inbox()).toHaveLength(1);
  expect((await sim.settle(leases.getFresh('a'))).bytes).toBeUndefined();
});

test('replicas may say of a write that another one is in flight, a single server never does', async () => {
  for (const [replicas, expected] of [
    [1, { kind: 'conflict' }],
    [3, { kind: 'unknown', cause: expect.objectContaining({ errorCode: 10_164 }) }],
  ] as const) {
    const faults = { writeInFlight: 1, staleRead: 1 };
    const sim = new Simulation({ seed: 1, layout: new Layout({ partitions: 1 }), server: { replicas }, faults });
    const { agents } = sim.node('a').ports;
    await sim.settle(agents.put(ann, Uint8Array.of(1), 0));
    expect(await sim.settle(agents.put(ann, Uint8Array.of(2), 0))).toEqual(expected);
    expect((await sim.settle(agents.get(ann))).revision).toBe(replicas === 1 ? 1 : 0);
    await sim.run({ forMs: 1_000 });
    expect(await sim.settle(agents.put(ann, Uint8Array.of(2), 0))).toEqual({ kind: 'conflict' });
  }
});

test('a single server forgets its consumers in a restart, and what is unacknowledged comes once more', async () => {
  const sim = new Simulation({ seed: 1, layout: new Layout({ partitions: 1 }), server: { replicas: 1 } });
  const { inboxes, layout } = sim.node('a').ports;
  const got: number[] = [];
  const spec = { name: 'c', filters: [layout.inboxFilter()], ackWaitMs: 60_000 };
  const options = { rank: 0, onDelivery: ({ deliveries }: { deliveries: number }): void => void got.push(deliveries) };
  await sim.settle((inboxes[0] as (typeof inboxes)[number]).consume(spec, options));
  sim.server.publish(layout.agentSubject(ann, 'said'), nothing);
  await sim.run({ forMs: 1_000 });
  sim.restartServer();
  await sim.run({ forMs: 5_000 });
  expect(got).toEqual([1, 1]);
});
