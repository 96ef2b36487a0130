import { type Attributes, type SpanContext, context, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { attribute, header } from '@wakebus/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { type TestDeployment, failure, startDeployment } from './deployment.ts';
import { eventually } from './eventually.ts';

const done = (): Promise<void> => Promise.resolve();

interface FinishedSpan {
  readonly name: string;
  readonly attributes: Attributes;
  readonly parentSpanContext?: SpanContext;
  spanContext(): SpanContext;
}

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let deployment: TestDeployment<{ counter: typeof counter }>;
let alone: TestDeployment;

beforeAll(async () => {
  deployment = await startDeployment();
  alone = await startDeployment();
});

afterAll(async () => {
  await deployment[Symbol.asyncDispose]();
  await alone[Symbol.asyncDispose]();
});

async function storedHeader(seq: number, name: string): Promise<string | undefined> {
  const manager = await jetstreamManager(alone.connection);
  return (await manager.streams.getMessage('wakebus_inbox', { seq }))?.header.get(name);
}

test('without an SDK, no header is invented and a given one is passed on', async () => {
  const agent = alone.client.agent('hello', 'ada');

  const plain = await agent.send({ type: 'greet' });
  const traced = await agent.send({ type: 'greet' }, { trace: { traceparent: TRACEPARENT, tracestate: 'a=b' } });
  const broken = await agent.send({ type: 'greet' }, { trace: { traceparent: 'nonsense' } });

  expect(await storedHeader(plain.seq, header.traceparent)).toBe('');
  expect(await storedHeader(traced.seq, header.traceparent)).toBe(TRACEPARENT);
  expect(await storedHeader(broken.seq, header.traceparent)).toBe('nonsense');
});

test('with an SDK, a call is a span under the active one, and the message carries its context', async () => {
  const spans: FinishedSpan[] = [];
  const collector = {
    onStart: () => {},
    onEnd: (span: FinishedSpan) => spans.push(span),
    forceFlush: done,
    shutdown: done,
  };
  const sdk = new NodeSDK({
    spanProcessors: [collector],
    metricReaders: [],
    logRecordProcessors: [],
    autoDetectResources: false,
  });
  sdk.start();
  await deployment.startNode([counter]);
  const agent = deployment.client.agent('counter', 'ada');

  const outer = trace.getTracer('test').startSpan('outer');
  await context.with(trace.setSpan(context.active(), outer), () => agent.call({ type: 'add', by: 1 }));
  await failure(agent.call({ type: 'decline', why: 'no' }));
  outer.end();

  await eventually(() => spans.map(({ name }) => name)).toContain('process agent');
  const [call, refused] = spans.filter(({ name }) => name === 'call agent');
  expect(call?.spanContext().traceId).toBe(outer.spanContext().traceId);
  expect(call?.parentSpanContext?.spanId).toBe(outer.spanContext().spanId);
  expect(call?.attributes).toMatchObject({
    [attribute.destination]: 'agents.counter.{id}.add',
    [attribute.agent]: 'counter.ada',
  });
  expect(refused?.attributes[attribute.code]).toBe('AGENT_REFUSED');
  const wake = spans.find(({ name }) => name === 'wake agent');
  expect(wake?.spanContext().traceId).toBe(outer.spanContext().traceId);
  await sdk.shutdown();
  trace.disable();
  context.disable();
  propagation.disable();
});
