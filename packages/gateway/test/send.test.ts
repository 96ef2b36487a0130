import { jetstreamManager } from '@nats-io/jetstream';
import type { ServedGateway } from '@wakebus/gateway';
import { encode } from '@wakebus/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tally } from './tally-agent.ts';
import { type World, ask, eventually, everyone, startWorld } from './world.ts';

let world: World;
let gateway: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  gateway = await world.serve({ authorize: everyone });
});

afterAll(() => world[Symbol.asyncDispose]());

async function notesOf(id: string): Promise<unknown> {
  const agent = await world.client.inspect(tally, id).catch(() => undefined);
  return (agent?.context as { notes: string[] } | undefined)?.notes;
}

/** The stored message of an agent that nobody runs. */
async function storedHeaders(seq: number): Promise<Record<string, string>> {
  const jsm = await jetstreamManager(world.connection);
  const message = await jsm.direct.getMessage('wakebus_inbox', { seq });
  const headers = message?.header;
  // A direct get adds four of its own.
  const own = /^Nats-(Sequence|Stream|Subject|Time-Stamp)$/;
  const names = (headers?.keys() ?? []).filter((name) => !own.test(name));
  return Object.fromEntries(names.map((name) => [name, headers?.get(name) ?? '']));
}

test('an event is stored and answered 202 with its message ID, and the agent gets its fields', async () => {
  const answer = await ask(gateway, 'POST', '/agents/tally/ada/note', { body: { text: 'first' } });

  expect(answer.status).toBe(202);
  expect(answer.body).toMatchObject({ agent: 'tally/ada', event: 'note', duplicate: false });
  expect(answer.body['messageId']).toEqual(expect.any(String));
  await eventually(() => notesOf('ada')).toEqual(['first']);
});

test.each([
  ['?wait', {}],
  ['?wait=5', {}],
  ['', { Prefer: 'respond-async, wait=5' }],
])('with %s %o the reply comes back', async (query, headers) => {
  const id = `waits-${query}-${Object.keys(headers).join()}`;
  const answer = await ask(gateway, 'POST', `/agents/tally/${encodeURIComponent(id)}/note${query}`, {
    body: { text: 'x' },
    headers,
  });

  expect([answer.status, answer.body]).toEqual([200, { notes: 1 }]);
  expect(answer.headers.get('preference-applied')).toMatch(/^wait=\d+$/);
});

test('an agent that says nothing is answered 204', async () => {
  expect((await ask(gateway, 'POST', '/agents/tally/quiet/rest?wait')).status).toBe(204);
});

test('a caller whose time runs out gets 504, and the event stays and is processed', async () => {
  const later = await startWorld();
  await using _ = later;
  const slow = await later.serve({ authorize: everyone });

  const answer = await ask(slow, 'POST', '/agents/tally/slow/note?wait=1', {
    body: { text: 'kept' },
    headers: { 'Idempotency-Key': 'k-1' },
  });
  await later.startNode();
  const again = await ask(slow, 'POST', '/agents/tally/slow/note?wait=20', {
    body: { text: 'kept' },
    headers: { 'Idempotency-Key': 'k-1' },
  });

  expect([answer.status, answer.body['code']]).toEqual([504, 'CALL_TIMEOUT']);
  expect([again.status, again.body]).toEqual([200, { notes: 1 }]);
});

test('the Idempotency-Key is the message ID: the same key is one event', async () => {
  const headers = { 'Idempotency-Key': 'order-17' };
  const first = await ask(gateway, 'POST', '/agents/tally/once/note', { body: { text: 'a' }, headers });
  const second = await ask(gateway, 'POST', '/agents/tally/once/note', { body: { text: 'b' }, headers });
  const quoted = await ask(gateway, 'POST', '/agents/tally/once/note', {
    body: { text: 'c' },
    headers: { 'Idempotency-Key': '"order-17"' },
  });
  await ask(gateway, 'POST', '/agents/tally/once/note?wait', { body: { text: 'end' } });

  expect([first, second, quoted].map(({ body }) => [body['messageId'], body['duplicate']])).toEqual([
    ['order-17', false],
    ['order-17', true],
    ['order-17', true],
  ]);
  expect(await notesOf('once')).toEqual(['a', 'end']);
});

test.each([
  ['slashes and spaces', 'Codertocat/Hello-World#1 ?'],
  ['what a path would swallow', '..%2f*>.\\'],
  ['beyond ASCII', 'Grüße 😀'],
])('an ID with %s arrives as it is', async (_what, id) => {
  const answer = await ask(gateway, 'POST', `/agents/tally/${encodeURIComponent(id)}/note?wait`, {
    body: { text: 'x' },
  });

  expect(answer.status).toBe(200);
  expect(await notesOf(id)).toEqual(['x']);
});

describe('bodies', () => {
  test('MessagePack, what curl -d sends, no body, and what is no object', async () => {
    const path = '/agents/tally/bodies/note?wait';
    await ask(gateway, 'POST', path, {
      body: encode({ text: 'packed' }),
      headers: { 'Content-Type': 'application/msgpack' },
    });
    await ask(gateway, 'POST', path, {
      body: '{"text":"curl"}',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    await ask(gateway, 'POST', path, {
      body: '{"text":"event","type":"finish"}',
      headers: { 'Content-Type': 'application/vnd.acme+json; charset=utf-8' },
    });
    await ask(gateway, 'POST', path);
    await ask(gateway, 'POST', path, { body: '5' });

    expect(await notesOf('bodies')).toEqual(['packed', 'curl', 'event', undefined, undefined]);
  });

  test.each([
    ['no JSON', '{"text":', 'application/json', 400, 'INVALID_PAYLOAD'],
    ['nested too deep', '['.repeat(65) + ']'.repeat(65), 'application/json', 400, 'INVALID_PAYLOAD'],
    ['nested far too deep', '['.repeat(100_000) + ']'.repeat(100_000), 'application/json', 400, 'INVALID_PAYLOAD'],
    ['too wide', `[${'1,'.repeat(110_000)}1]`, 'application/json', 400, 'INVALID_PAYLOAD'],
    ['too large', JSON.stringify('x'.repeat(300_000)), 'application/json', 413, 'REQUEST_TOO_LARGE'],
    ['text', 'hello', 'text/plain', 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['broken MessagePack', '\xc1', 'application/msgpack', 400, 'INVALID_PAYLOAD'],
  ])('%s is refused', async (_what, body, type, status, code) => {
    const answer = await ask(gateway, 'POST', '/agents/tally/refused/note', {
      body,
      headers: { 'Content-Type': type },
    });

    expect([answer.status, answer.body['code']]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test('a body without a length is cut off where it becomes too large', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });

    const answer = await ask(gateway, 'POST', '/agents/tally/refused/note', { body: endless }).catch(() => undefined);

    // The answer may be lost with the connection that is cut; what counts is that reading ends.
    expect([413, undefined]).toContain(answer?.status);
    expect(sent).toBeLessThan(100_000_000);
  });
});

describe('headers', () => {
  test('none of the caller gets in but the trace context, and that only when it is well-formed', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const headers = {
      'Nats-Msg-Id': 'evil',
      'Nats-Rollup': 'all',
      'Nats-Expected-Last-Sequence': '1',
      'Nats-TTL': '1s',
      'Wakebus-Reply': 'somewhere',
      'Wakebus-Deadline': '1',
      'X-Anything': 'else',
      Cookie: 'a=b',
      tracestate: 'vendor=1',
    };
    const first = await ask(gateway, 'POST', '/agents/unserved/h/note', {
      body: { a: 1 },
      headers: { ...headers, traceparent },
    });
    const second = await ask(gateway, 'POST', '/agents/unserved/h/note', {
      body: { a: 1 },
      headers: { ...headers, traceparent: 'not one' },
    });

    const stored = await storedHeaders(Number(first.body['seq']));
    expect(stored).toMatchObject({ 'Nats-Msg-Id': `unserved.h:${first.body['messageId'] as string}`, traceparent });
    expect(['Nats-Msg-Id', 'Content-Type', 'traceparent', 'tracestate']).toEqual(
      expect.arrayContaining(Object.keys(stored)),
    );
    expect(Object.keys(await storedHeaders(Number(second.body['seq'])))).toEqual(['Nats-Msg-Id', 'Content-Type']);
  });

  test.each([
    ['an empty key', { 'Idempotency-Key': '' }],
    ['a key that is too long', { 'Idempotency-Key': 'x'.repeat(201) }],
    ['no time to wait', { Prefer: 'wait=0' }],
  ])('%s is refused', async (_what, headers) => {
    expect(await ask(gateway, 'POST', '/agents/tally/h/note', { body: { text: 'x' }, headers })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_OPTION' },
    });
  });
});

test.each([
  ['POST', '/agents/1/a/note', 400, 'INVALID_ADDRESS'],
  ['POST', `/agents/tally/${'x'.repeat(201)}/note`, 400, 'INVALID_ADDRESS'],
  ['POST', '/agents/tally/a/xstate.done', 400, 'RESERVED_EVENT'],
  ['POST', '/agents/tally/a/wakebus.x', 400, 'RESERVED_EVENT'],
  ['POST', '/agents/tally/a/a..b', 400, 'INVALID_EVENT'],
  ['POST', '/agents/tally/a/unheard-of?wait', 422, 'EVENT_UNKNOWN'],
  ['POST', '/agents/tally/no/decline?wait', 409, 'AGENT_REFUSED'],
  ['GET', '/agents/tally/nobody', 404, 'AGENT_NOT_FOUND'],
  ['GET', '/nothing/here', 404, 'ROUTE_UNKNOWN'],
  ['PUT', '/agents/tally/a', 405, 'METHOD_NOT_ALLOWED'],
  ['GET', '/agents/tally/a/note', 405, 'METHOD_NOT_ALLOWED'],
])('%s %s is answered %i %s', async (method, path, status, code) => {
  const answer = await ask(gateway, method, path);

  expect([answer.status, answer.body['code']]).toEqual([status, code]);
  expect(answer.body).toMatchObject({ status, detail: expect.any(String), type: `urn:wakebus:error:${code}` });
  if (status === 405) expect(answer.headers.get('allow')).toMatch(/[A-Z]/);
});

test('an agent that has completed is answered 409', async () => {
  await ask(gateway, 'POST', '/agents/tally/over/finish?wait');

  expect(await ask(gateway, 'POST', '/agents/tally/over/note?wait', { body: { text: 'x' } })).toMatchObject({
    status: 409,
    body: { code: 'AGENT_COMPLETED', next: 'terminal' },
  });
});
