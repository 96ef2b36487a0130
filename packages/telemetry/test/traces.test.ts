/** Real placement nodes, a real server, and a collector that reads OTLP back: what a chain of wakes looks like. */
import { attribute, span } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { CANARY } from './support/chain-agents.ts';
import type { ChainNode } from './support/chain-node.ts';
import type { ReceivedSpan } from './support/otlp-receiver.ts';
import { useScene } from './support/scene.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const ROOT = '00f067aa0ba902b7';
/** The context that the chain begins with: `sampled` says what whoever began it has decided. */
const contextOf = (sampled: boolean): { traceparent: string; tracestate: string } => ({
  traceparent: `00-${TRACE}-${ROOT}-0${sampled ? 1 : 0}`,
  tracestate: 'vendor=kept',
});
/** Long enough for a node to be replaced while the order sleeps. */
const SLEEP_MS = 5_000;

const scene = useScene();

function start(
  protocol: 'http/json' | 'http/protobuf',
  env: Readonly<Record<string, string>> = {},
): Promise<ChainNode> {
  return scene().startNode({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_SERVICE_NAME: protocol, ...env });
}

async function place(waitMs: number, sampled = true): Promise<void> {
  const event = { type: 'place', note: CANARY, password: CANARY, waitMs };
  await scene()
    .client.agent('order', '17')
    .send(event, { trace: contextOf(sampled) });
}

const isBooked = async (): Promise<unknown> => {
  const ledger = await scene().client.inspect('ledger/main');
  return ledger?.lifecycle.name === 'asleep' && (ledger.context as { booked: number }).booked;
};

function only(name: string, facts: ReceivedSpan['facts'] = {}): ReceivedSpan {
  const found = scene().receiver.spans.filter(
    (each) => each.name === name && Object.entries(facts).every(([fact, value]) => each.facts[fact] === value),
  );
  expect(found, `${name} ${JSON.stringify(facts)}`).toHaveLength(1);
  return found[0] as ReceivedSpan;
}

const parentOf = (child: ReceivedSpan): ReceivedSpan | undefined =>
  scene().receiver.spans.find(({ spanId }) => spanId === child.parentSpanId);
const linksOf = ({ links }: ReceivedSpan): readonly string[] => links.map(({ spanId }) => spanId);

/** The first node places the order and is replaced; the second one takes the timer, and all that follows. */
async function runChain(): Promise<void> {
  const before = await start('http/protobuf');
  await place(SLEEP_MS);
  await expect.poll(async () => (await scene().client.inspect('order/17'))?.lifecycle.name).toBe('asleep');
  expect(await before.stop(), before.said).toBe(0);
  const after = await start('http/json');
  await expect.poll(isBooked, { timeout: 20_000 }).toBe(1);
  expect(await after.stop(), after.said).toBe(0);
}

test('a chain through a timer, a sleep, a restart and an effect is one tree', { timeout: 60_000 }, async () => {
  await runChain();

  expect(scene().receiver.contentTypes).toEqual(new Set(['application/x-protobuf', 'application/json']));
  expect(new Set(scene().receiver.spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  const placed = only(span.turn, { [attribute.event]: 'place' });
  const fired = only(span.timerFire, { [attribute.timer]: 'xstate.after.patience.(machine).waiting' });
  const [first, second] = [1, 2].map((attempt) => only(span.effect, { [attribute.attempt]: attempt }));
  const charging = parentOf(first as ReceivedSpan) as ReceivedSpan;
  const told = only(span.relay);
  const booked = only(span.turn, { [attribute.event]: 'booked' });
  expect(placed).toMatchObject({ parentSpanId: ROOT, traceState: 'vendor=kept' });
  expect(parentOf(fired)).toBe(placed);
  expect(charging.name).toBe(span.turn);
  expect(parentOf(charging)).toBe(fired);
  expect(parentOf(second as ReceivedSpan)).toBe(charging);
  expect(parentOf(parentOf(told) as ReceivedSpan)).toBe(second);
  expect(parentOf(booked)).toBe(told);
  expect([placed, fired, booked].map(linksOf)).toEqual([[ROOT], [placed.spanId], [told.spanId]]);
  expect(placed.resource['service.name']).toBe('http/protobuf');
  expect(booked).toMatchObject({ traceState: 'vendor=kept', resource: { 'service.name': 'http/json' } });

  const names = new Set(scene().receiver.spans.map(({ name }) => name));
  expect(
    [span.wake, span.hydrate, span.claim, span.resume, span.commit, span.sleep].filter((n) => !names.has(n)),
  ).toEqual([]);
  expect(names).toContain(span.effectCommit);
  const asleep = only(span.sleep, { [attribute.agent]: 'order.17', [attribute.epoch]: 1 });
  expect(
    scene().receiver.spans.filter(({ startMs, endMs }) => startMs < asleep.endMs && endMs > fired.startMs),
  ).toEqual([]);
});

test('neither payloads nor what errors say leave the process, unless asked for', { timeout: 60_000 }, async () => {
  const node = await start('http/json');
  await place(1);
  await expect.poll(isBooked, { timeout: 20_000 }).toBe(1);
  await scene().client.agent('order', '18').send({ type: 'boom', note: CANARY });
  await expect.poll(() => node.said).toContain('is given up');
  expect(await node.stop(), node.said).toBe(0);

  expect(only(span.deadLetter)).toMatchObject({ error: 'DEAD_LETTERED', facts: { [attribute.code]: 'DEAD_LETTERED' } });
  expect(only(span.retry).facts[attribute.attempt]).toBe(1);
  expect(only(span.effect, { [attribute.attempt]: 1 }).error).toBe('EFFECT_FAILED');
  const exported = Buffer.concat(scene().receiver.bodies).toString('utf8');
  expect(exported).toContain(span.turn);
  expect(exported).not.toContain(CANARY);
  expect(node.said).toContain('"lifecycle":"awake"');
  expect(node.said).not.toContain(CANARY);
  // The SDK's detectors would say as whom, and with which arguments, the process runs.
  expect(Object.keys(scene().receiver.spans[0]?.resource ?? {}).toSorted()).toEqual([
    'service.instance.id',
    'service.name',
    'telemetry.sdk.language',
    'telemetry.sdk.name',
    'telemetry.sdk.version',
  ]);
});

test('what a gate says is seen: at the door, in a turn, and of what it lets in', { timeout: 60_000 }, async () => {
  const node = await start('http/json');
  const send = (id: string, type: 'opened' | 'spam'): Promise<unknown> =>
    scene()
      .client.agent('guarded', id)
      .call({ type }, { trace: contextOf(true) })
      .catch((error: unknown) => error);
  expect(await send('door', 'spam')).toMatchObject({ code: 'EVENT_GATED' });
  await scene()
    .client.agent('guarded', 'turn')
    .send({ type: 'opened' }, { trace: contextOf(true) });
  await expect.poll(async () => (await scene().client.inspect('guarded/turn'))?.lifecycle.name).toBe('asleep');
  expect(await send('turn', 'opened')).toMatchObject({ code: 'EVENT_GATED' });
  expect(await node.stop(), node.said).toBe(0);

  const spam = only(span.gate, { [attribute.event]: 'spam' });
  const late = only(span.gate, { [attribute.event]: 'opened' });
  expect(spam).toMatchObject({
    parentSpanId: ROOT,
    facts: {
      [attribute.agent]: 'guarded.door',
      [attribute.gateRule]: 'no-spam',
      [attribute.gateVerdict]: 'drop',
    },
  });
  expect(late.facts).toMatchObject({ [attribute.gateRule]: 'rateLimit', [attribute.gateVerdict]: 'drop' });
  const turns = scene().receiver.spans.filter(({ name }) => name === span.turn);
  expect(turns.map(({ facts }) => facts[attribute.gateVerdict])).toEqual(['wake', undefined]);
  expect(parentOf(late)).toBe(turns[1]);
  expect(Buffer.concat(scene().receiver.bodies).toString('utf8')).not.toContain(CANARY);
  const logged = node.said.split('\n').filter((line) => line.includes('guarded/turn is awake'));
  expect(logged.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ lifecycle: 'awake', trace_id: TRACE, span_id: turns[0]?.spanId }),
  ]);
});

test('payloads that were asked for come without what is named like a secret', { timeout: 60_000 }, async () => {
  const node = await start('http/json', { TEST_PAYLOADS: 'true' });
  await place(60_000);
  await expect.poll(async () => (await scene().client.inspect('order/17'))?.lifecycle.name).toBe('asleep');
  await node.stop();

  const [noted] = only(span.turn).events;
  expect(JSON.parse(String(noted?.facts[attribute.payload]))).toEqual({
    note: CANARY,
    password: '[redacted]',
    waitMs: 60_000,
  });
});

test('what is not sampled where the chain begins is not recorded anywhere in it', { timeout: 60_000 }, async () => {
  const node = await start('http/json');
  await place(1, false);
  await expect.poll(isBooked, { timeout: 20_000 }).toBe(1);
  const sampled = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await scene()
    .client.agent('ledger', 'other')
    .send({ type: 'opened' }, { trace: { traceparent: sampled } });
  await expect.poll(() => scene().receiver.spans.map(({ name }) => name)).toContain(span.turn);
  await node.stop();

  expect(scene().receiver.spans.filter(({ traceId }) => traceId === TRACE)).toEqual([]);
});

test('with links only, a turn is a trace of its own that links to its cause', { timeout: 60_000 }, async () => {
  const node = await start('http/json', { TEST_LINKS_ONLY: 'true' });
  await place(60_000);
  await expect.poll(async () => (await scene().client.inspect('order/17'))?.lifecycle.name).toBe('asleep');
  await node.stop();

  const placed = only(span.turn);
  expect(placed.parentSpanId).toBe('');
  expect(placed.traceId).not.toBe(TRACE);
  expect(placed.links).toEqual([{ traceId: TRACE, spanId: ROOT }]);
});

test(
  'a turn of several causes links to each; an agent that is given up to another node has moved',
  { timeout: 60_000 },
  async () => {
    const other = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await scene()
      .client.agent('ledger', 'main')
      .send({ type: 'opened' }, { trace: contextOf(true) });
    await scene()
      .client.agent('ledger', 'main')
      .send({ type: 'opened' }, { trace: { traceparent: other } });
    const first = await start('http/json', { OTEL_SERVICE_NAME: 'first' });
    await expect.poll(async () => (await scene().client.inspect('ledger/main'))?.lifecycle.name).toBe('awake');
    const second = await start('http/json', { OTEL_SERVICE_NAME: 'second' });
    await first.stop();
    await second.stop();

    const opened = only(span.turn);
    expect(opened.parentSpanId).toBe('');
    expect(linksOf(opened)).toEqual([ROOT, 'b7ad6b7169203331']);
    expect(opened.facts[attribute.batchCount]).toBe(2);
    // The second may still have known the first when it left itself, and have offered the agent back.
    const moved = scene().receiver.spans.filter(({ name }) => name === span.move);
    expect(moved.map(({ resource }) => resource['service.name'])).toContain('first');
    expect(moved.map(({ facts }) => typeof facts[attribute.toNode])).toEqual(moved.map(() => 'string'));
  },
);
