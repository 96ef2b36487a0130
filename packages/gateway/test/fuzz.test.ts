/**
 * Anything at all, sent to a gateway: no crash, no answer 500, and no header that gets into a message.
 *
 * A slice with each run of the tests; `FUZZ_RUNS=100000` for more.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import {
  createGateway,
  cloudEvents,
  discord,
  github,
  hmac,
  mattermost,
  slack,
  standardWebhooks,
  stripe,
  telegram,
} from '@wakebus/gateway';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type World, everyone, startWorld } from './world.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 400);
const schemes = { cloudEvents, discord, github, mattermost, slack, standardWebhooks, stripe, telegram };
const map = () => ({ agent: 'fuzz/hook', event: 'hit', data: 1 });

let world: World;
let gateway: Awaited<ReturnType<typeof createGateway>>;

beforeAll(async () => {
  world = await startWorld();
  const hooks = Object.entries(schemes).map(([name, scheme]) => [
    name,
    { scheme: scheme(), secrets: ['a'.repeat(64)], map },
  ]);
  const open = { scheme: hmac({ header: 'x', id: { pointer: '/id' } }), secrets: ['s'], map };
  gateway = await createGateway({
    connection: world.connection,
    authorize: everyone,
    webhooks: { ...(Object.fromEntries(hooks) as object), open },
    limits: { failuresPerAddress: 1e9, waitMs: 5, storeMs: 2_000 },
  });
});

afterAll(async () => {
  gateway.close();
  await world[Symbol.asyncDispose]();
});

const token = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed()));
const segment = fc.oneof(
  token,
  fc.constantFrom('fuzz', 'a', '%', '%zz', '%00', '..', '%2e%2e', '*', '>', 'x'.repeat(300)),
);
const path = fc.oneof(
  fc.tuple(segment, segment).map(([id, event]) => `/agents/fuzz/${id}/${event}`),
  token.map((id) => `/agents/fuzz/${id}/hit`),
  fc.tuple(segment, segment).map(([type, id]) => `/agents/${type}/${id}`),
  fc.constantFrom(...Object.keys(schemes), 'open').map((name) => `/hooks/${name}`),
  fc.constantFrom(
    '/events',
    '/agents',
    '/history',
    '/types',
    '/agents/fuzz/a/control/suspend',
    '/agents/fuzz/a/effects/x',
    '/agents/fuzz/a/schedules/x',
    '/agents/fuzz/*/timers/x/fire',
    '/agents/fuzz/a/held',
    '/dead-letters',
    '/dead-letters/1',
    '/dead-letters/1/replay',
    '/held',
    '/held/0',
    '/schedules',
    '/explain',
    '/audit',
  ),
  fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
);
const query = fc.oneof(
  fc.constant(''),
  fc.constantFrom(
    '?wait',
    '?wait=-1',
    '?wait=NaN',
    '?limit=0',
    '?limit=1e9',
    '?after=-1',
    '?cursor=%00',
    '?lifecycle=x',
    '?agent=%2F',
  ),
  token.map((text) => `?wait=${text}`),
);
const name = fc.constantFrom(
  'content-type',
  'idempotency-key',
  'prefer',
  'traceparent',
  'tracestate',
  'last-event-id',
  'if-none-match',
  'origin',
  'nats-msg-id',
  'nats-rollup',
  'nats-expected-last-sequence',
  'nats-ttl',
  'nats-schedule',
  'wakebus-reply',
  'wakebus-deadline',
  'x-any',
  'authorization',
  'webhook-id',
  'webhook-signature',
  'webhook-timestamp',
  'x-hub-signature-256',
  'x-github-event',
  'x-slack-signature',
  'stripe-signature',
  'x-signature-ed25519',
  'x-signature-timestamp',
  'ce-id',
  'ce-source',
  'content-length',
);
const value = fc.oneof(
  fc.string({ maxLength: 40 }).map((text) => text.replaceAll(/[^\x21-\x7e]/g, ' ').trim()),
  fc.constantFrom(
    'application/json',
    'application/msgpack',
    'application/cloudevents-batch+json',
    'application/x-www-form-urlencoded',
    'a'.repeat(128),
    '1',
    'wait=1',
    `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  ),
);
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .constantFrom(
      '[',
      '{"__proto__":{"a":1}}',
      '{"type":"x"}',
      '['.repeat(5_000),
      '"\\ud800"',
      '{"id":1}\n{"agent":"fuzz/a","event":"e"}',
      `"${'x'.repeat(9_000)}`,
    )
    .map((text) => Buffer.from(text)),
);
const request = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'POST', 'POST', 'GET', 'DELETE', 'HEAD', 'OPTIONS', 'PUT', 'PATCH'),
  path,
  query,
  headers: fc.dictionary(name, value, { maxKeys: 5 }),
  body,
});

test('nothing makes it fail', async () => {
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path: at, query: asked, headers, body: bytes }) => {
      const url = `http://gateway.example${at}${asked}`;
      fc.pre(URL.canParse(url));
      const hasBody = method !== 'GET' && method !== 'HEAD';
      const response = await gateway.fetch(
        new Request(url, { method, headers, ...(hasBody && { body: Buffer.from(bytes) }) }),
      );
      if (response.headers.get('content-type') === 'text/event-stream') await response.body?.cancel();
      else await response.arrayBuffer();
      expect(response.status).not.toBe(500);
      expect(response.status).toBeGreaterThanOrEqual(200);
    }),
    { numRuns: runs },
  );
});

test('and no header of all that got into a message', async () => {
  const jsm = await jetstreamManager(world.connection);
  const { state } = await jsm.streams.info('wakebus_inbox');
  const allowed = new Set([
    'nats-msg-id',
    'content-type',
    'traceparent',
    'tracestate',
    'wakebus-reply',
    'wakebus-deadline',
  ]);
  const added = /^nats-(sequence|stream|subject|time-stamp|num-pending|last-sequence)$/;
  const stored = await jsm.direct.getBatch('wakebus_inbox', { seq: 1, batch: Math.max(1, state.messages) });
  let read = 0;
  for await (const { header, subject } of stored) {
    read += 1;
    const names = header
      .keys()
      .map((each) => each.toLowerCase())
      .filter((each) => !added.test(each));
    expect(names.filter((each) => !allowed.has(each))).toEqual([]);
    expect(header.get('Wakebus-Reply')).toMatch(/^$|^_INBOX\.[0-9a-f]{32}\./);
    expect(header.get('Nats-Msg-Id')).toMatch(new RegExp(`^${subject.split('.').slice(3, 5).join('\\.')}:`));
  }

  expect(read).toBeGreaterThan(5);
}, 60_000);
