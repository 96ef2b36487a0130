/** Requests of all kinds for `fuzz.test.ts`, and deliveries whose signature is right, whatever they say. */
import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import {
  type Webhook,
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

const SECRET = 'a'.repeat(64);
const pair = generateKeyPairSync('ed25519');
const PUBLIC_KEY = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');

/** What is said decides where it goes, and what becomes of it. */
const map: Webhook['map'] = [
  { agent: 'fuzz/{/id}', event: '{/event}', data: '/data' },
  { agent: '{/to}', event: 'hit', data: { all: '', by: '/id' } },
  { agent: 'fuzz/hook', event: 'hit', data: { all: '' } },
];

/** A webhook of each kind. */
export const webhooks: Readonly<Record<string, Webhook>> = {
  cloudEvents: { scheme: cloudEvents(), secrets: [SECRET], map },
  discord: { scheme: discord(), secrets: [PUBLIC_KEY], map },
  github: { scheme: github(), secrets: [SECRET], map },
  mattermost: { scheme: mattermost(), secrets: [SECRET], map },
  open: { scheme: hmac({ header: 'x-signature', id: { pointer: '/id' } }), secrets: [SECRET], map },
  slack: { scheme: slack(), secrets: [SECRET], map },
  standard: { scheme: standardWebhooks(), secrets: [SECRET], map },
  stripe: { scheme: stripe(), secrets: [SECRET], map },
  telegram: { scheme: telegram(), secrets: [SECRET], map },
};

const hooks = Object.keys(webhooks);

function code(content: Uint8Array, before = '', key: string | Uint8Array = SECRET): string {
  return createHmac('sha256', key).update(before).update(content).digest('hex');
}

/** The headers by which each believes a body. */
const proofs: Readonly<Record<string, (body: Uint8Array, id: string, at: string) => Record<string, string>>> = {
  cloudEvents: () => ({ authorization: `Bearer ${SECRET}` }),
  discord: (body, _id, at) => ({
    'x-signature-timestamp': at,
    'x-signature-ed25519': signBytes(null, Buffer.concat([Buffer.from(at), body]), pair.privateKey).toString('hex'),
  }),
  github: (body, id) => ({ 'x-github-delivery': id, 'x-hub-signature-256': `sha256=${code(body)}` }),
  mattermost: () => ({ authorization: `Token ${SECRET}` }),
  open: (body) => ({ 'x-signature': code(body) }),
  slack: (body, _id, at) => ({
    'x-slack-request-timestamp': at,
    'x-slack-signature': `v0=${code(body, `v0:${at}:`)}`,
  }),
  standard: (body, id, at) => {
    const mac = Buffer.from(code(body, `${id}.${at}.`, Buffer.from(SECRET, 'base64')), 'hex').toString('base64');
    return { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${mac}` };
  },
  stripe: (body, _id, at) => ({ 'stripe-signature': `t=${at},v1=${code(body, `${at}.`)}` }),
  telegram: () => ({ 'x-telegram-bot-api-secret-token': SECRET }),
};

const token = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed()));
const segment = fc.oneof(
  token,
  fc.constantFrom('fuzz', 'a', '%', '%zz', '%00', '..', '%2e%2e', '*', '>', 'x'.repeat(300)),
);
const path = fc.oneof(
  fc.tuple(segment, segment).map(([id, event]) => `/agents/fuzz/${id}/${event}`),
  token.map((id) => `/agents/fuzz/${id}/hit`),
  fc.tuple(segment, segment).map(([type, id]) => `/agents/${type}/${id}`),
  fc.constantFrom(...hooks).map((name) => `/hooks/${name}`),
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
/** Any request at all. */
export const request = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'POST', 'POST', 'GET', 'DELETE', 'HEAD', 'OPTIONS', 'PUT', 'PATCH'),
  path,
  query,
  headers: fc.dictionary(name, value, { maxKeys: 5 }),
  body,
});

/** What deliveries say, more or less. */
const said = fc.oneof(
  body,
  fc
    .record(
      {
        id: fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.double(), fc.jsonValue()),
        to: fc.oneof(
          path.map((text) => text.slice(1)),
          fc.string({ unit: 'binary' }),
        ),
        event: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('hit', 'xstate.done', 'a.b', '*', '')),
        type: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom('url_verification', 'x')),
        event_id: fc.jsonValue(),
        update_id: fc.oneof(fc.integer(), fc.jsonValue()),
        post_id: fc.jsonValue(),
        token: fc.jsonValue(),
        challenge: fc.jsonValue(),
        source: fc.string(),
        specversion: fc.constant('1.0'),
        data: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .chain((fields) => fc.constantFrom(JSON.stringify(fields), JSON.stringify([fields, fields]), formOf(fields)))
    .map((text) => Buffer.from(text)),
);

function formOf(fields: Readonly<Record<string, unknown>>): string {
  const texts = Object.entries(fields).map(([key, field]): [string, string] => [key, JSON.stringify(field)]);
  return new URLSearchParams(texts).toString();
}

const id = fc.string({ maxLength: 120 }).map((text) => `d${text.replaceAll(/[^\x21-\x7e]/g, '')}`);

/** A delivery that its webhook believes: whatever is in it, its sender has signed. */
export const delivery = fc
  .record({
    hook: fc.constantFrom(...hooks),
    id,
    headers: fc.dictionary(name, value, { maxKeys: 3 }),
    body: said,
  })
  .map(({ hook, id: named, headers, body: bytes }) => {
    const proof = proofs[hook]?.(bytes, named, String(Math.floor(Date.now() / 1_000)));
    return { path: `/hooks/${hook}`, headers: { ...headers, ...proof }, body: bytes };
  });

/** Bytes for a port that expects HTTP. */
export const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(path, fc.dictionary(name, value, { maxKeys: 4 }), body, fc.nat({ max: 400 }))
    .map(([at, headers, content, cut]) => {
      const lines = Object.entries(headers).map(([key, field]) => `${key}: ${field}\r\n`);
      const head = `POST ${at} HTTP/1.1\r\nHost: fuzz\r\n${lines.join('')}\r\n`;
      return Buffer.concat([Buffer.from(head), content]).subarray(0, cut);
    }),
);
