import { expect, test } from 'vitest';
import { ann, bytes, consume, follow, inboxOf, publish, scene, text } from './scene.ts';

test('promises of a crashed node never settle, and its timers never fire', async () => {
  const sim = scene();
  const node = sim.node('a');
  let fired = false;
  node.ports.clock.setTimer(100, () => void (fired = true));
  const put = follow(node.ports.agents.put('greeter.ann', bytes('x'), 0));
  const read = follow(inboxOf(node.ports).read('>', 1, 10));
  node.crash();
  const afterwards = follow(node.ports.agents.get('greeter.ann'));
  await sim.run({ forMs: 60_000 });
  expect([put.state, read.state, afterwards.state, fired]).toEqual(['open', 'open', 'open', false]);
});

test('what a crashed node had sent arrives in some runs and not in others', async () => {
  const arrived = new Set<boolean>();
  for (let seed = 0; seed < 20; seed += 1) {
    const sim = scene({}, { seed });
    void sim.node('a').ports.agents.put('greeter.ann', bytes('x'), 0);
    sim.node('a').crash();
    await sim.run({ forMs: 10_000 });
    arrived.add(sim.server.agents.get('greeter.ann').revision > 0);
  }
  expect(arrived.size).toBe(2);
});

test('deliveries to a crashed node go to another one after the acknowledgement wait', async () => {
  const sim = scene();
  await consume(sim, sim.node('a'), 0);
  const other = await consume(sim, sim.node('b'), 1);
  publish(sim, 'x');
  await sim.run({ forMs: 10 });
  sim.node('a').crash();
  publish(sim, 'y');
  await sim.run({ forMs: 4_000 });
  expect(other.map(({ data }) => text(data))).not.toContain('x');
  await sim.run({ forMs: 6_000 });
  expect(new Set(other.map(({ data }) => text(data)))).toEqual(new Set(['x', 'y']));
});

test('nobody listens for a crashed node: a request to it fails at once', async () => {
  const sim = scene();
  sim.node('a').ports.messenger.subscribe('ask', (message) => message.respond(bytes('yes')));
  await sim.run({ forMs: 1 });
  sim.node('a').crash();
  await sim.run({ forMs: 1 });
  const sinceMs = sim.nowMs;
  expect(await sim.settle(sim.node('b').ports.messenger.request('ask', bytes(''), 5_000))).toBeUndefined();
  expect(sim.nowMs - sinceMs).toBeLessThan(100);
});

test('a restarted node has new ports, and its program runs again', async () => {
  const sim = scene();
  let starts = 0;
  const node = sim.node('a', () => void (starts += 1));
  const before = node.ports;
  node.crash();
  node.restart();
  expect([starts, node.lives, node.ports === before]).toEqual([2, 2, false]);
  expect((await sim.settle(node.ports.agents.put('greeter.ann', bytes('x'), 0))).kind).toBe('stored');
});

test('nothing of a paused node runs while time goes on, and then everything does', async () => {
  const sim = scene();
  const node = sim.node('a');
  let firedMs = 0;
  node.ports.clock.setTimer(100, () => (firedMs = node.ports.clock.monotonicMs()));
  const startMs = node.ports.clock.monotonicMs();
  node.pause();
  await sim.run({ forMs: 30_000 });
  expect(firedMs).toBe(0);
  node.resume();
  await sim.run({ forMs: 1 });
  expect(firedMs - startMs).toBeGreaterThanOrEqual(30_000);
});

test('the stale write of a node that was paused is refused by its revision', async () => {
  const sim = scene();
  const node = sim.node('a');
  const stale = node.ports.agents
    .get('greeter.ann')
    .then(({ revision }) => node.ports.agents.put('greeter.ann', bytes('stale'), revision));
  await sim.run({ maxSteps: 1 });
  node.pause();
  await sim.settle(sim.node('b').ports.agents.put('greeter.ann', bytes('new'), 0));
  node.resume();
  expect(await sim.settle(stale)).toEqual({ kind: 'conflict' });
});

test('a node that was paused for longer than its operations wait finds some of them unanswered', async () => {
  const kinds = new Set<string>();
  for (let seed = 0; seed < 20; seed += 1) {
    const sim = scene({}, { seed });
    const put = sim.node('a').ports.agents.put('greeter.ann', bytes('x'), 0);
    sim.node('a').pause();
    await sim.run({ forMs: 5_000 });
    sim.node('a').resume();
    kinds.add((await sim.settle(put)).kind);
  }
  expect(kinds).toEqual(new Set(['stored', 'unknown']));
});

test('a cut node hears nothing and reaches nothing until the cut heals', async () => {
  const sim = scene();
  const node = sim.node('a');
  const got = await consume(sim, node);
  const heard: string[] = [];
  node.ports.messenger.subscribe('tell', ({ data }) => void heard.push(text(data) as string));
  await sim.run({ forMs: 1 });
  node.cut();
  publish(sim, 'while cut');
  sim.node('b').ports.messenger.publish('tell', bytes('while cut'));
  expect((await sim.settle(node.ports.agents.put('greeter.ann', bytes('x'), 0))).kind).toBe('unknown');
  expect([got.length, heard.length]).toEqual([0, 0]);
  node.heal();
  await sim.run({ forMs: 100 });
  sim.node('b').ports.messenger.publish('tell', bytes('healed'));
  await sim.run({ forMs: 100 });
  expect([got.map(({ data }) => text(data)), heard]).toEqual([['while cut'], ['healed']]);
});

test('a watch that was cut off catches up, expiries included', async () => {
  const sim = scene();
  const node = sim.node('a');
  const now = new Map<string, string | undefined>();
  await sim.settle(sim.node('b').ports.leases.put('gone', bytes('1'), 0, { ttlMs: 1_000 }));
  await sim.settle(node.ports.leases.watch('>', (key, { bytes: value }) => void now.set(key, text(value))));
  node.cut();
  await sim.settle(sim.node('b').ports.leases.put('new', bytes('2'), 0));
  await sim.run({ forMs: 60_000 });
  node.heal();
  await sim.run({ forMs: 100 });
  expect(now).toEqual(
    new Map([
      ['gone', undefined],
      ['new', '2'],
    ]),
  );
});

test('a restarted server keeps what was stored and forgets the IDs of what is gone', async () => {
  const sim = scene();
  publish(sim, 'kept', 'm1');
  publish(sim, 'acknowledged', 'm2');
  sim.server.shards[0]?.inbox.remove(2);
  sim.restartServer();
  await sim.run({ forMs: 1_000 });
  publish(sim, 'kept', 'm1');
  publish(sim, 'acknowledged', 'm2');
  expect(sim.server.inbox().map(({ seq, data }) => [seq, text(data)])).toEqual([
    [1, 'kept'],
    [3, 'acknowledged'],
  ]);
});

test('consumers go on by themselves after a restart of the server', async () => {
  const sim = scene();
  const got = await consume(sim, sim.node('a'));
  sim.restartServer(2_000);
  await sim.run({ forMs: 1_000 });
  const whileAway = sim.node('a').ports.agents.put('greeter.ann', bytes('x'), 0);
  await sim.run({ forMs: 2_000 });
  publish(sim, 'later');
  await sim.run({ forMs: 100 });
  expect(got.map(({ data }) => text(data))).toEqual(['later']);
  expect((await sim.settle(whileAway)).kind).toBe('unknown');
});

test('deliveries after a restart of the server, or of a consumer, do not follow on from those before', async () => {
  const sim = scene();
  const got = await consume(sim, sim.node('a'));
  const next = async (payload: string): Promise<void> => {
    publish(sim, payload);
    await sim.run({ forMs: 1_000 });
  };
  await next('1');
  sim.restartServer();
  await sim.run({ forMs: 1_000 });
  await next('2');
  sim.server.shards[0]?.consumers.delete(sim.layout.consumerName('default', 0));
  await next('3');
  const firsts = ['1', '2', '3'].map((payload) => got.find(({ data }) => text(data) === payload)?.deliverySeq ?? 0);
  expect(firsts[1]).toBeGreaterThan((firsts[0] as number) + 1_000);
  expect(firsts[2]).toBeGreaterThan((firsts[1] as number) + 1_000);
});

test('a consumer that is deleted is made again, and what was unacknowledged comes once more', async () => {
  const sim = scene();
  const got = await consume(sim, sim.node('a'));
  publish(sim, 'x');
  await sim.run({ forMs: 10 });
  sim.server.shards[0]?.consumers.delete(sim.layout.consumerName('default', 0));
  await sim.run({ forMs: 100 });
  expect(got).toMatchObject([
    { seq: 1, deliveries: 1 },
    { seq: 1, deliveries: 1 },
  ]);
});

test("a jump of a node's wall clock moves neither its monotonic clock nor the others", async () => {
  const sim = scene();
  const [a, b] = [sim.node('a'), sim.node('b')];
  const before = [a.ports.clock.wallMs(), a.ports.clock.monotonicMs(), b.ports.clock.wallMs()];
  a.jumpClock(-60_000);
  expect([a.ports.clock.wallMs(), a.ports.clock.monotonicMs(), b.ports.clock.wallMs()]).toEqual([
    (before[0] as number) - 60_000,
    before[1],
    before[2],
  ]);
});

test('disasters strike nodes with a program, count, and end when all is healed', async () => {
  const sim = scene(
    { crash: 0.01, pause: 0.01, cut: 0.01, clockJump: 0.01, serverRestart: 0.01, consumerLost: 0.01 },
    { bounds: { awayMs: [1, 10] } },
  );
  const client = sim.node('client');
  const program = sim.node('a', (node) => {
    void consume(sim, node).catch(() => {});
    const tick = (): void => {
      inboxOf(node.ports)
        .append(sim.layout.agentSubject(ann, 'tick'), bytes(''))
        .catch(() => {});
      node.ports.clock.setTimer(1, tick);
    };
    tick();
  });
  await sim.run({ maxSteps: 20_000 });
  sim.healAll();
  await sim.run({ maxSteps: 100 });
  for (const disaster of ['crash', 'pause', 'cut', 'clockJump', 'serverRestart', 'consumerLost'] as const) {
    expect(sim.faults.struck(disaster), disaster).toBeGreaterThan(0);
  }
  expect([client.lives, program.isRunning, program.isCut]).toEqual([1, true, false]);
});

test('a step that never ends is an error, not a hanging process', async () => {
  const sim = scene();
  const { clock } = sim.node('a').ports;
  const spin = async (): Promise<void> => {
    while (clock.wallMs() > 0) await Promise.resolve();
  };
  clock.setTimer(1, () => void spin().catch(() => {}));
  await expect(sim.run({ forMs: 10 })).rejects.toThrow('never ends');
});
