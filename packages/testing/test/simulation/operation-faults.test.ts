import { expect, test } from 'vitest';
import { ann, bytes, consume, follow, inboxOf, publish, scene, text } from './scene.ts';

test('a lost request changes nothing, and its outcome is unknown after the timeout', async () => {
  const sim = scene({ requestLost: 1 });
  const { held, layout } = sim.node('n').ports;
  const outcome = await sim.settle(held.append(layout.heldSubject(ann), bytes('x')));
  expect(outcome.kind).toBe('unknown');
  expect(sim.nowMs).toBeGreaterThanOrEqual(2_000);
  expect(sim.server.held.size).toBe(0);
  expect(sim.faults.struck('requestLost')).toBe(1);
});

test('a read whose answer is lost throws, and never looks like an empty log', async () => {
  const sim = scene({ replyLost: 1 });
  await expect(sim.settle(inboxOf(sim.node('n').ports).read('>', 1, 10))).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
  await expect(sim.settle(sim.node('n').ports.agents.get('a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('a lost answer leaves a write that was applied', async () => {
  const sim = scene({ replyLost: 1 });
  const outcome = await sim.settle(sim.node('n').ports.agents.put('greeter.ann', bytes('x'), 0));
  expect(outcome.kind).toBe('unknown');
  expect(text(sim.server.agents.get('greeter.ann').bytes)).toBe('x');
  expect(sim.faults.struck('replyLost')).toBe(1);
});

test('a late answer of a write is heard as it is, or not at all', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; outcomes.size < 2 && seed < 100; seed += 1) {
    const sim = scene({ replyLate: 1 }, { seed });
    const { kind } = await sim.settle(sim.node('n').ports.agents.put('greeter.ann', bytes('x'), 0));
    expect(text(sim.server.agents.get('greeter.ann').bytes)).toBe('x');
    expect(sim.faults.struck('replyLate')).toBe(1);
    outcomes.add(kind);
  }
  expect(outcomes).toEqual(new Set(['stored', 'unknown']));
});

test('a late write is applied after its writer has given up', async () => {
  const sim = scene({ lateWrite: 1 });
  const outcome = await sim.settle(sim.node('n').ports.agents.put('greeter.ann', bytes('x'), 0));
  expect(outcome.kind).toBe('unknown');
  expect(sim.server.agents.get('greeter.ann').revision).toBe(0);
  await sim.run({ forMs: 10_000 });
  expect(text(sim.server.agents.get('greeter.ann').bytes)).toBe('x');
});

test('a late write at an old revision is refused, and nobody hears of it', async () => {
  const sim = scene({ lateWrite: 1 });
  const { agents } = sim.node('n').ports;
  const late = follow(agents.put('greeter.ann', bytes('late'), 0));
  sim.faults.active = false;
  await sim.settle(agents.put('greeter.ann', bytes('in time'), 0));
  await sim.run({ forMs: 10_000 });
  expect(late.state).toBe('kept');
  expect(text(sim.server.agents.get('greeter.ann').bytes)).toBe('in time');
});

test('a stale read shows an older value; a fresh one does not', async () => {
  const sim = scene({ staleRead: 1 }, { bounds: { staleDepth: 1 } });
  const { agents } = sim.node('n').ports;
  const first = sim.server.agents.put('greeter.ann', bytes('old'), 0, 'test') as { revision: number };
  sim.server.agents.put('greeter.ann', bytes('new'), first.revision, 'test');
  expect(text((await sim.settle(agents.get('greeter.ann'))).bytes)).toBe('old');
  expect(text((await sim.settle(agents.getFresh('greeter.ann'))).bytes)).toBe('new');
});

test('a stale log read misses the newest message and still shows a removed one', async () => {
  const sim = scene({ staleRead: 1 }, { bounds: { staleDepth: 1 } });
  const inbox = inboxOf(sim.node('n').ports);
  publish(sim, '1');
  publish(sim, '2');
  const missing = await sim.settle(inbox.read('>', 1, 10));
  expect(missing.map(({ data }) => text(data))).toEqual(['1']);
  sim.server.shards[0]?.inbox.remove(1);
  const removed = await sim.settle(inbox.read('>', 1, 10));
  expect(removed.map(({ data }) => text(data))).toEqual(['1', '2']);
  expect((await sim.settle(inbox.get(1))) === undefined).toBe(true);
});

test('what is asked of the leader is stale only by a fault of its own', async () => {
  const sim = scene({ staleFresh: 1 }, { bounds: { staleDepth: 1 } });
  sim.server.agents.put('greeter.ann', bytes('new'), 0, 'test');
  expect((await sim.settle(sim.node('n').ports.agents.getFresh('greeter.ann'))).bytes).toBeUndefined();
});

test('a delayed request arrives later, or too late', async () => {
  const sim = scene({ delayed: 1 });
  const { agents } = sim.node('n').ports;
  const outcomes = [];
  let revision = 0;
  for (let i = 0; i < 20; i += 1) {
    outcomes.push((await sim.settle(agents.put('greeter.ann', bytes(`${i}`), revision))).kind);
    await sim.run({ forMs: 10_000 });
    ({ revision } = sim.server.agents.get('greeter.ann'));
  }
  expect(new Set(outcomes)).toEqual(new Set(['stored', 'unknown']));
  expect(sim.server.agents.writes('greeter.ann')).toHaveLength(20);
});

test('a spilled delivery goes to a higher rank while the first one asks', async () => {
  const sim = scene({ spill: 1 });
  const first = await consume(sim, sim.node('a'), 0);
  const second = await consume(sim, sim.node('b'), 1);
  for (let i = 0; i < 40; i += 1) publish(sim, `${i}`);
  await sim.run({ forMs: 100 });
  expect(second.length).toBeGreaterThan(0);
  const all = [...first, ...second].toSorted((a, b) => a.deliverySeq - b.deliverySeq);
  expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
});

test('a lost delivery comes again after the acknowledgement wait', async () => {
  const sim = scene({ deliveryLost: 1 });
  const got = await consume(sim, sim.node('a'));
  publish(sim, 'x');
  await sim.run({ forMs: 4_900 });
  expect(got).toHaveLength(0);
  sim.faults.active = false;
  await sim.run({ forMs: 200 });
  expect(got).toMatchObject([{ seq: 1, deliveries: 2 }]);
});

test('a delivery is repeated early', async () => {
  const sim = scene({ redeliver: 0.5 });
  const got = await consume(sim, sim.node('a'));
  for (let i = 0; i < 10; i += 1) publish(sim, `${i}`);
  await sim.run({ forMs: 1_000 });
  expect(got.length).toBeGreaterThan(10);
  expect(sim.faults.struck('redeliver')).toBeGreaterThan(0);
});

test('a plain message that is lost reaches nobody, and its asker waits in vain', async () => {
  const sim = scene({ plainLost: 1 });
  sim.node('b').ports.messenger.subscribe('ask', (message) => message.respond(bytes('yes')));
  await sim.run({ forMs: 1 });
  expect(await sim.settle(sim.node('a').ports.messenger.request('ask', bytes(''), 300))).toBeUndefined();
  expect(sim.nowMs).toBeGreaterThanOrEqual(300);
});

test('a schedule and an expiry may be late, but not early', async () => {
  const sim = scene({ scheduleLate: 1, ttlLate: 1 });
  const { leases, timers, layout, clock } = sim.node('a').ports;
  const atMs = clock.wallMs() + 5_000;
  await sim.settle(leases.put('n', bytes(''), 0, { ttlMs: 5_000 }));
  const schedule = { atMs, target: layout.fireSubject(ann), ttlMs: 60_000 };
  await sim.settle(
    (timers[0] as (typeof timers)[number]).append(layout.timerSubject(ann, '1'), bytes('fire'), { schedule }),
  );
  await sim.run({ untilMs: 4_999 });
  expect([sim.server.inbox().length, sim.server.leases.keys('>').length]).toEqual([0, 1]);
  await sim.run({ untilMs: 6_100 });
  expect([sim.server.inbox().length, sim.server.leases.keys('>').length]).toEqual([1, 0]);
  expect(sim.server.inbox()[0]?.storedMs).toBeGreaterThanOrEqual(atMs);
});

test('no fault strikes while faults are off', async () => {
  const sim = scene({ requestLost: 1, replyLost: 1, crash: 1 });
  sim.faults.active = false;
  expect((await sim.settle(sim.node('n').ports.agents.put('a', bytes('x'), 0))).kind).toBe('stored');
  expect(sim.faults.strikes.size).toBe(0);
});
