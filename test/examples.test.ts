import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from '@wakebus/client';
import { defineAgent } from '@wakebus/core';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { connectNats, createDeployment, startPlacementNode } from '@wakebus/placement-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { assign, createMachine } from 'xstate';
import { FakeTelegram } from '../packages/channels/test/fakes/fake-telegram.ts';
import { type Program, startProgram } from './program.ts';

/** The examples that are tried, doorbells in `doorbells.test.ts`; a new one fails the first test until it is. */
const tried = [
  'channels',
  'children',
  'doorbells',
  'effects',
  'hello',
  'hono-service',
  'plain-publisher',
  'programs',
  'tracing',
];

let nats: NatsServers;
const running = new Set<Program>();

beforeEach(async () => {
  nats = await startNatsServer();
});

afterEach(async () => {
  await Promise.all([...running].map((program) => program[Symbol.asyncDispose]()));
  running.clear();
  await nats.stop();
});

/** Runs an example as its README says, against the test's server. */
function start(example: string, env: Readonly<Record<string, string>> = {}): Program {
  const program = startProgram(`examples/${example}/main.ts`, { env: { NATS_URL: nats.url, ...env } });
  running.add(program);
  return program;
}

test('every example is tried', () => {
  const examples = readdirSync('examples', { withFileTypes: true }).filter((entry) => entry.isDirectory());

  expect(examples.map(({ name }) => name).toSorted()).toEqual(tried);
});

test('hello calls an agent twice, and finds it asleep with its memory', async () => {
  const program = start('hello');

  expect(await program.ends(), program.output()).toBe(0);
  expect(program.output()).toBe(
    'Hello Ada! You are number 1 here.\n' +
      'Hello Grace! You are number 2 here.\n' +
      'hello/town-hall is asleep, and remembers {"names":["Ada","Grace"]}\n',
  );
});

test('children drive on while their agent sleeps, and arrive at another node', async () => {
  const program = start('children');

  expect(await program.ends(), program.output()).toBe(0);
  expect(program.output()).toBe(
    'Oslo is driving\nBergen is driving\ntour/summer is asleep, with 2 delays\nthe stamps of the tour: Bergen, Oslo\n',
  );
});

test('channels answers a chat that comes by webhook, and knows it again', async () => {
  await using telegram = await new FakeTelegram().open();
  const env = { PORT: '0', TELEGRAM_TOKEN: telegram.token, TELEGRAM_SECRET: 'shh', TELEGRAM_API: telegram.url };
  const program = start('channels', env);
  await program.says('/hooks/telegram');
  const [url = ''] = /http:\S+/.exec(program.output()) ?? [];
  const update = (updateId: number, text: string): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { 'X-Telegram-Bot-Api-Secret-Token': 'shh', 'Content-Type': 'application/json' },
      body: JSON.stringify({
        update_id: updateId,
        message: { message_id: 5, chat: { id: 77, type: 'private' }, text },
      }),
    });

  expect((await update(1, 'tea')).status).toBe(200);
  await expect.poll(() => telegram.sent.map(({ text }) => text)).toEqual(['Noted: tea. That makes 1.']);
  await Promise.all([update(2, 'cups'), update(2, 'cups')]);
  await expect.poll(() => telegram.sent.map(({ text }) => text)).toHaveLength(2);

  expect(telegram.sent[1]).toMatchObject({ chatId: 77, replyTo: 5, text: 'Noted: cups. That makes 2.' });
  program.child.kill('SIGTERM');
  expect(await program.ends(), program.output()).toBe(0);
});

test('effects pays once, although the node that pays dies in the middle of it', { timeout: 60_000 }, async () => {
  const program = start('effects');

  expect(await program.ends(), program.output()).toBe(0);
  const lines = program.output().trimEnd().split('\n');
  expect(lines).toEqual([
    'the till has taken 42 cents under order.17~1@1.0',
    'the first node is gone, and nobody knows; the order is asleep, its effect is started',
    'the till has seen order.17~1@1.0 before, and takes nothing',
    'order/17 is paid: {"receipt":1}; the till has 42 cents',
  ]);
});

test('programs in Python and Node.js add up, and are gone when their agents sleep', async () => {
  const program = start('programs');

  expect(await program.ends(), program.output()).toBe(0);
  const lines = program.output().split('\n');
  // What the machine lacks to keep programs apart is said in lines of their own.
  expect(lines.filter((line) => / invoice |ledger/.test(line))).toEqual([
    'tea is invoice 1',
    'cups is invoice 2',
    'the ledger has 1550 cents',
    'ledger/main is asleep, and remembers {"state":{"cents":1550},"output":null}',
  ]);
});

test('plain-publisher reaches an agent with nothing but a NATS client, each event once', async () => {
  const machine = createMachine({
    types: {} as { context: { items: string[] }; events: { type: 'add'; item: string } },
    context: { items: [] },
    on: { add: { actions: assign({ items: ({ context, event }) => [...context.items, event.item] }) } },
  });
  const connection = await connectNats({ servers: nats.url });
  await createDeployment(connection);
  const program = start('plain-publisher');
  expect(await program.ends(), program.output()).toBe(0);

  const node = await startPlacementNode({ connection, agents: [defineAgent({ type: 'order', machine })] });
  const client = await createClient(connection);
  await expect.poll(async () => (await client.inspect('order/17'))?.context).toEqual({ items: ['tea', 'cups'] });
  expect(program.output()).toMatch(/order-17-1: stored .*\norder-17-2: stored .*\norder-17-2: known already/);

  await node.drain();
  await connection.close();
});

describe('hono-service', () => {
  test('answers for its agents over HTTP, and drains on SIGTERM', async () => {
    const program = start('hono-service', { PORT: '0' });
    await program.says('http://');
    const [url] = /http:\S+/.exec(program.output()) ?? [];
    const add = (amount: number, key: string): Promise<Response> =>
      fetch(`${url}/counters/ada/add`, {
        method: 'POST',
        body: JSON.stringify({ amount }),
        headers: { 'Idempotency-Key': key },
      });

    expect(await (await add(2, 'one')).json()).toEqual({ count: 2 });
    expect(await (await add(3, 'two')).json()).toEqual({ count: 5 });
    expect(await (await add(3, 'two')).json()).toEqual({ count: 5 });
    expect((await add(-9, 'three')).status).toBe(409);
    expect(await (await fetch(`${url}/counters/ada`)).json()).toEqual({ count: 5 });
    expect((await fetch(`${url}/counters/nobody`)).status).toBe(404);

    program.child.kill('SIGTERM');
    expect(await program.ends(), program.output()).toBe(0);
    expect(program.output()).toContain('drained');
  });

  test('runs twice on one server, either answering for all agents', async () => {
    const programs = [start('hono-service', { PORT: '0' }), start('hono-service', { PORT: '0' })];
    await Promise.all(programs.map((program) => program.says('http://')));
    const urls = programs.map((program) => /http:\S+/.exec(program.output())?.[0]);
    const bodies: unknown[] = [];
    for (let i = 0; i < 10; i += 1) {
      const response = await fetch(`${urls[i % 2]}/counters/shared/add`, { method: 'POST', body: '{"amount":1}' });
      bodies.push(await response.json());
    }

    expect(bodies).toEqual(Array.from({ length: 10 }, (_, i) => ({ count: i + 1 })));
  });
});

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue?: string } }>;
}

interface OtlpTraces {
  readonly resourceSpans: ReadonlyArray<{
    readonly scopeSpans: ReadonlyArray<{ readonly spans: readonly OtlpSpan[] }>;
  }>;
}

test('tracing sends the chain of two agents as one trace', async () => {
  const spans: OtlpSpan[] = [];
  const receiver = createServer((request, response) => {
    const receive = async (): Promise<void> => {
      const { resourceSpans } = JSON.parse(await readBody(request)) as OtlpTraces;
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.setHeader('Content-Type', 'application/json').end('{}');
    };
    void receive();
  });
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const program = start('tracing', {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  });

  expect(await program.ends(), program.output()).toBe(0);
  receiver.close();

  expect(program.output()).toContain('{ balance: 88 }');
  const turns = spans.filter(({ name }) => name === 'process agent');
  expect(turns.map(agentOf).toSorted()).toEqual(['account.ada', 'order.17']);
  expect(new Set(turns.map(({ traceId }) => traceId)).size).toBe(1);
  const sent = spans.find(({ name }) => name === 'send agent');
  expect(sent?.traceId).toBe(turns[0]?.traceId);
  const [orderTurn, accountTurn] = ['order.17', 'account.ada'].map((key) =>
    turns.find((turn) => agentOf(turn) === key),
  );
  expect(ancestorsOf(accountTurn, spans)).toContain(orderTurn?.spanId);
  expect(ancestorsOf(orderTurn, spans)).toContain(sent?.spanId);
});

function agentOf({ attributes }: OtlpSpan): string | undefined {
  return attributes.find(({ key }) => key === 'wakebus.agent')?.value.stringValue;
}

function ancestorsOf(span: OtlpSpan | undefined, spans: readonly OtlpSpan[]): readonly string[] {
  const parent = spans.find(({ spanId }) => spanId === span?.parentSpanId);
  return parent === undefined ? [] : [parent.spanId, ...ancestorsOf(parent, spans)];
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
