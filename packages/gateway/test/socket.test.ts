import type { ServedGateway } from '@wakebus/gateway';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type World, ask, eventually, everyone, startWorld } from './world.ts';

let world: World;
let gateway: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  gateway = await world.serve({ authorize: everyone });
});

afterAll(() => world[Symbol.asyncDispose]());

interface Open extends Disposable {
  readonly heard: Array<Record<string, unknown>>;
  readonly socket: WebSocket;
  say(text: unknown): void;
}

async function open(to: ServedGateway, token?: string): Promise<Open> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${to.url.replace('http', 'ws')}/socket`, { headers });
  const heard: Array<Record<string, unknown>> = [];
  socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString()) as Record<string, unknown>));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return {
    heard,
    socket,
    say: (text) => socket.send(typeof text === 'string' ? text : JSON.stringify(text)),
    [Symbol.dispose]: () => socket.terminate(),
  };
}

test('one socket sends, calls and follows', async () => {
  using client = await open(gateway);
  client.say({ follow: 'tally/ws', after: 0, ref: 'f' });
  client.say({ ref: 1, send: { agent: 'tally/ws', event: 'note', data: { text: 'x' }, id: 'n-1' } });
  await eventually(() => client.heard.find(({ ref }) => ref === 1)).toMatchObject({
    accepted: { messageId: 'n-1', duplicate: false },
  });

  client.say({ ref: 2, send: { agent: 'tally/ws', event: 'tell' }, wait: 10 });

  await eventually(() => client.heard.find(({ ref }) => ref === 2)).toEqual({ ref: 2, reply: ['x'] });
  await eventually(() => client.heard.filter(({ turn }) => turn !== undefined)).toMatchObject([
    { ref: 'f', turn: { address: 'tally/ws', events: [{ type: 'note', id: 'n-1' }] } },
    { ref: 'f', turn: { events: [{ type: 'tell' }] } },
  ]);
});

test.each([
  ['no JSON', '{"send":', 'INVALID_PAYLOAD'],
  ['no object', '5', 'INVALID_PAYLOAD'],
  ['nothing to do', '{}', 'INVALID_PAYLOAD'],
  ['no address', { send: { agent: 'tally', event: 'note' } }, 'INVALID_ADDRESS'],
  ['an event of the runtime', { send: { agent: 'tally/a', event: 'xstate.stop' } }, 'RESERVED_EVENT'],
  ['a time that is none', { send: { agent: 'tally/a', event: 'tell' }, wait: 'long' }, 'INVALID_OPTION'],
  ['a pattern that is none', { follow: 'tally' }, 'INVALID_ADDRESS'],
])('%s is answered with a problem, and the socket goes on', async (_what, text, code) => {
  using client = await open(gateway);
  client.say(text);
  await eventually(() => client.heard).toMatchObject([{ problem: { code } }]);

  client.say({ send: { agent: 'tally/on', event: 'tell' }, wait: 10 });
  await eventually(() => client.heard).toMatchObject([{}, { reply: expect.anything() }]);
});

test('a token is asked for at the door and with every text', async () => {
  const guarded = await world.serve();
  await expect(open(guarded)).rejects.toThrow('401');
  const { token, record } = await world.tokens.issue({ target: 'tally/mine', verbs: ['send'] });
  using client = await open(guarded, token);

  client.say({ send: { agent: 'tally/yours', event: 'tell' } });
  await eventually(() => client.heard.at(-1)).toMatchObject({ problem: { code: 'FORBIDDEN' } });
  client.say({ send: { agent: 'tally/mine', event: 'tell' } });
  await eventually(() => client.heard.at(-1)).toMatchObject({ accepted: {} });
  await world.tokens.revoke(record.id);
  await eventually(() => {
    client.say({ send: { agent: 'tally/mine', event: 'tell' } });
    return client.heard.at(-1);
  }).toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
});

test('sockets count as streams, and end with the gateway', async () => {
  const small = await world.serve({ authorize: everyone, limits: { streams: 1 } });
  using only = await open(small);
  await expect(open(small)).rejects.toThrow('503');
  const closed = new Promise((resolve) => only.socket.once('close', resolve));

  await small.close();
  await closed;
});

test('a plain request is told what to do', async () => {
  expect(await ask(gateway, 'GET', '/socket')).toMatchObject({ status: 400, body: { code: 'INVALID_OPTION' } });
});
