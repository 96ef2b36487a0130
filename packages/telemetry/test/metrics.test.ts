/** The nine metrics that say whether hibernation works, each moved by what it is about. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { metric } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import type { ChainNode } from './support/chain-node.ts';
import type { Facts } from './support/otlp-receiver.ts';
import { useScene } from './support/scene.ts';

const scene = useScene();

function start(env: Readonly<Record<string, string>> = {}): Promise<ChainNode> {
  return scene().startNode({ OTEL_TRACES_EXPORTER: 'none', ...env });
}

/** Waits until a metric has come to a value. */
async function moves(name: string, facts: Facts, least = 1): Promise<void> {
  await expect
    .poll(() => scene().receiver.total(name, facts), { timeout: 20_000, message: name })
    .toBeGreaterThanOrEqual(least);
}

test('sleeps, wakes by source, and resumes are counted, and how long they take', { timeout: 60_000 }, async () => {
  await using node = await start();
  await scene().client.agent('order', '17').send({ type: 'place', note: 'x', waitMs: 3_000 });

  await moves(metric.sleepRate, { type: 'order' }, 2);
  await moves(metric.wakeRate, { type: 'order', source: 'event' });
  await moves(metric.wakeRate, { type: 'order', source: 'timer' });
  await moves(metric.wakeRate, { type: 'ledger', source: 'message' });
  await moves(metric.resumeSuccessRate, { type: 'order', outcome: 'awake' }, 2);
  for (const name of [metric.hydrateMs, metric.hydrateBytes, metric.dehydrateBytes, metric.turnMs, metric.commitMs])
    await moves(name, { type: 'order' });
  await moves(metric.timerLatenessMs, { type: 'order' });
  await moves(metric.messageDelayMs, { type: 'ledger', source: 'message' });
  expect(node.said).not.toContain('"level":"error"');
});

test('retries and timeouts are counted by what was tried', { timeout: 60_000 }, async () => {
  await using node = await start();
  await scene().client.agent('order', 'failing').send({ type: 'boom' });
  await scene().client.agent('order', 'slow').send({ type: 'dawdle' });
  await scene().client.agent('order', 'paying').send({ type: 'place', note: 'x', waitMs: 1 });

  await moves(metric.retryCount, { type: 'order', what: 'turn' });
  await moves(metric.retryCount, { type: 'order', what: 'effect' });
  await moves(metric.timeoutRate, { type: 'order', phase: 'effect' });
  await moves(metric.deadLetters, { type: 'order' });
  expect(node.said).not.toContain('"level":"error"');
});

test('a commit that another one has overtaken is counted', { timeout: 60_000 }, async () => {
  await using node = await start({ TEST_RACE: 'ledger.main' });
  await scene().client.agent('ledger', 'main').send({ type: 'opened' });
  await expect.poll(async () => (await scene().client.inspect('ledger/main'))?.turns).toBe(1);
  await scene().client.agent('ledger', 'main').send({ type: 'opened' });

  await moves(metric.duplicateCommitCount, { type: 'ledger' });
  await expect.poll(async () => (await scene().client.inspect('ledger/main'))?.turns).toBe(2);
  expect(node.said).not.toContain('"level":"error"');
});

test('a wake for what a dead node has done already is counted as false', { timeout: 60_000 }, async () => {
  const first = await start({ TEST_DIE_BEFORE_ACK: 'ledger.main' });
  await scene().client.agent('ledger', 'main').send({ type: 'booked' });
  await first.ended();
  expect((await scene().client.inspect('ledger/main'))?.lifecycle.name).toBe('asleep');
  await using second = await start();

  await moves(metric.falseWakeRate, { type: 'ledger', source: 'event' });
  expect(second.said).not.toContain('"level":"error"');
});

test(
  'handles and connections that an effect opens are counted until its agent sleeps',
  { timeout: 60_000 },
  async () => {
    const peers: Socket[] = [];
    const peer = createServer((socket) => void peers.push(socket));
    await once(peer.listen(0, '127.0.0.1'), 'listening');
    await using node = await start();
    const url = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
    await scene().client.agent('order', '17').send({ type: 'reach', url });

    await moves(metric.openHandles, {});
    await moves(metric.openConnections, {});
    await moves(metric.runningEffects, {});

    peers[0]?.write('done');
    for (const name of [metric.runningEffects, metric.openHandles, metric.openConnections])
      await expect.poll(() => scene().receiver.total(name), { timeout: 20_000, message: name }).toBe(0);
    peer.close();
    expect(node.said).not.toContain('"level":"error"');
  },
);

async function asleepLedgers(): Promise<number> {
  const { agents } = await scene().client.list({ type: 'ledger', lifecycle: 'asleep', pageSize: 200 });
  return agents.length;
}

test('a hundred agents make no more series than one', { timeout: 60_000 }, async () => {
  await using node = await start();
  const series = (): number => Object.values(metric).flatMap((name) => scene().receiver.points(name)).length;
  await scene().client.agent('ledger', 'first').send({ type: 'booked' });
  await moves(metric.sleepRate, { type: 'ledger' });
  const one = series();
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => scene().client.agent('ledger', String(i)).send({ type: 'booked' })),
  );
  // Not by the count of sleeps: a session that is dropped on a busy machine, and begun anew, is none.
  await expect.poll(asleepLedgers, { timeout: 20_000 }).toBe(101);
  const exports = scene().receiver.bodies.length;
  await expect.poll(() => scene().receiver.bodies.length, { timeout: 20_000 }).toBeGreaterThan(exports + 1);

  expect(series() - one).toBeLessThanOrEqual(2);
  const facts = Object.values(metric).flatMap((name) =>
    scene()
      .receiver.points(name)
      .flatMap((point) => Object.keys(point.facts)),
  );
  const words = ['type', 'source', 'outcome', 'phase', 'what', 'reason', 'holder', 'kind', 'rule', 'verdict'];
  expect([...new Set(facts)].filter((fact) => !words.includes(fact))).toEqual([]);
  expect(node.said).not.toContain('"level":"error"');
});
