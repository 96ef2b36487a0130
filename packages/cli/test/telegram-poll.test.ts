/** Channels that come and go while a gateway runs, and bots whose updates are fetched, against a Telegram on this machine. */
import { runCli } from '@wakebus/cli';
import type { Client } from '@wakebus/client';
import { defineAgent } from '@wakebus/core';
import { ChannelStore } from '@wakebus/gateway';
import { WakebusError } from '@wakebus/protocol';
import { type SourceState, type Sources, defineSource, startSources } from '@wakebus/sources';
import { assign, setup } from 'xstate';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FakeTelegram } from '../../channels/test/fakes/fake-telegram.ts';
import { startDevGateway } from '../src/dev/dev-gateway.ts';
import { TelegramPoll } from '../src/gateway/telegram-poll.ts';
import { Output } from '../src/output.ts';
import { eventually } from './eventually.ts';
import { type FakeIo, fakeIo } from './fake-io.ts';
import { type Place, startPlace } from './place.ts';

const HOME = 'https://bot.example.com/hooks/support';
const notebook = defineAgent({
  type: 'notebook',
  machine: setup({
    types: { context: {} as { told: number[] }, events: {} as { type: 'told'; update_id: number } },
  }).createMachine({
    context: { told: [] },
    on: { told: { actions: assign({ told: ({ context, event }) => [...context.told, event.update_id] }) } },
  }),
});

let place: Place;
let client: Client;
let telegram: FakeTelegram;

beforeAll(async () => {
  place = await startPlace();
  ({ client } = await place.serve(notebook));
});

afterAll(() => place[Symbol.asyncDispose]());

beforeEach(async () => {
  telegram = await new FakeTelegram().open();
  return async () => {
    // Whatever happens, nobody throws updates away.
    expect(telegram.dropped).toBe(0);
    expect(telegram.requests.filter(({ body }) => body?.['drop_pending_updates'] === true)).toEqual([]);
    await telegram[Symbol.asyncDispose]();
  };
});

function ioOf(more: Record<string, string> = {}): FakeIo {
  const env = { WAKEBUS_SERVERS: place.server.url, BOT_TOKEN: telegram.token, BOT_SECRET: 'shh', ...more };
  return fakeIo({ env });
}

async function channels(...argv: string[]): Promise<{ readonly code: number; readonly text: string }> {
  using io = ioOf();
  const code = await runCli(['channels', ...argv], io);
  return { code, text: io.stdout + io.stderr };
}

function addBot(name: string, ...more: string[]): Promise<unknown> {
  const ringing = ['--agent', `notebook/${name}-{/message/chat/id}`, '--event', 'told'];
  const bot = ['--kind', 'telegram', '--token-env', 'BOT_TOKEN', '--service-url', telegram.url];
  return channels('add', name, ...bot, ...ringing, ...more);
}

interface Gateway extends AsyncDisposable {
  readonly io: FakeIo;
  readonly url: string;
}

async function startGateway(): Promise<Gateway> {
  const io = ioOf();
  const running = runCli(['gateway', '--port', '0'], io);
  await eventually(() => io.stdout).toContain('gateway');
  return {
    io,
    url: /http:\S+/.exec(io.stdout)?.[0] ?? '',
    [Symbol.asyncDispose]: async () => {
      io.stop();
      expect(await running).toBe(0);
      io[Symbol.dispose]();
    },
  };
}

function update(id: number): { readonly update_id: number } {
  return { update_id: id, message: { message_id: id, chat: { id: 77, type: 'private' }, text: 'hi' } } as {
    update_id: number;
  };
}

async function told(name: string): Promise<readonly number[]> {
  const found = await client.inspect(`notebook/${name}-77`);
  return (found?.context as { told: number[] } | undefined)?.told ?? [];
}

test('a channel that is added is taken by gateways that run, and one that is removed is left', async () => {
  await using gateway = await startGateway();
  const deliver = async (): Promise<number> => {
    const answer = await fetch(`${gateway.url}/hooks/hooked`, {
      method: 'POST',
      headers: { 'X-Telegram-Bot-Api-Secret-Token': 'shh', 'Content-Type': 'application/json' },
      body: JSON.stringify(update(1)),
    });
    return answer.status;
  };
  expect(await deliver()).toBe(404);

  await addBot('hooked', '--secret-env', 'BOT_SECRET', '--url', HOME);
  await eventually(deliver).toBe(200);
  await eventually(() => told('hooked')).toEqual([1]);

  await channels('remove', 'hooked');
  await eventually(deliver).toBe(404);
});

test('a polled channel brings what waits at Telegram and what comes, in order, each once', async () => {
  await using gateway = await startGateway();
  telegram.bring(update(7));
  telegram.bring(update(8));
  await addBot('polled', '--poll');
  await eventually(() => told('polled')).toEqual([7, 8]);
  telegram.bring(update(9));

  await eventually(() => told('polled')).toEqual([7, 8, 9]);
  await eventually(() => telegram.updates).toEqual([]);
  expect(await client.agent('notebook', 'polled-77').send({ type: 'told' }, { id: 'polled:9' })).toMatchObject({
    duplicate: true,
  });
  expect((await channels('check', 'polled')).code).toBe(0);

  await channels('remove', 'polled');
  await eventually(() => gateway.io.stderr).toContain('polled was removed');
});

test('its own webhook is taken away while it is polled, and given back as it was; what came last stays done', async () => {
  await addBot('borrowed', '--poll', '--secret-env', 'BOT_SECRET', '--url', HOME);
  telegram.webhookSettings = { max_connections: 7, allowed_updates: ['message'] };
  telegram.bring(update(1));
  {
    await using gateway = await startGateway();
    await eventually(() => told('borrowed')).toEqual([1]);
    expect(gateway.io.stderr).toContain('polled   borrowed');
    expect(telegram.webhook).toBeUndefined();
  }

  expect(telegram.webhook).toEqual({ url: HOME, secretToken: 'shh' });
  expect(telegram.webhookSettings).toEqual({ max_connections: 7, allowed_updates: ['message'] });
  expect(telegram.updates).toEqual([]);
  await channels('remove', 'borrowed');
  expect(telegram.webhook).toBeUndefined();
});

test('a channel that is polled no more has its webhook again', async () => {
  await addBot('settled', '--poll', '--secret-env', 'BOT_SECRET', '--url', HOME);
  await using gateway = await startGateway();
  await eventually(() => telegram.webhook).toBeUndefined();
  const store = await ChannelStore.open(place.connection);
  const { isPolled: _polled, ...record } = await store.get('settled');

  await store.put(record);

  await eventually(() => gateway.io.stderr).toContain('/hooks/settled');
  expect(telegram.webhook).toEqual({ url: HOME, secretToken: 'shh' });
  await channels('remove', 'settled');
});

test('a webhook of somebody else stays, and nothing is fetched until it is gone', async () => {
  const foreign = { url: 'https://elsewhere.example.com', secretToken: '' };
  telegram.webhook = foreign;
  telegram.bring(update(1));
  await addBot('guest', '--poll');
  await using gateway = await startGateway();
  const ready = async (): Promise<unknown> => (await fetch(`${gateway.url}/ready`)).json();

  await eventually(ready).toMatchObject({
    degraded: [{ what: 'source guest', state: 'restarting', code: 'SOURCE_MISCONFIGURED' }],
  });
  expect([telegram.webhook, telegram.updates.length]).toEqual([foreign, 1]);

  telegram.webhook = undefined;
  await eventually(() => told('guest')).toEqual([1]);
  await channels('remove', 'guest');
});

test('dev polls a channel without a URL, since nobody reaches it from outside', async () => {
  using io = ioOf();
  await addBot('private', '--secret-env', 'BOT_SECRET');
  const output = new Output(io, false);
  const gateway = await startDevGateway({
    servers: place.server.url,
    prefix: undefined,
    sources: [],
    env: io.env,
    output,
  });
  telegram.bring(update(3));

  await eventually(() => told('private')).toEqual([3]);
  expect(io.stderr).toContain('polled   private');
  await gateway.close();
  await channels('remove', 'private');
});

/** A process that polls the bot, with a store that may fail. */
async function poll(
  name: string,
  store: (id: number) => unknown,
): Promise<{ readonly sources: Sources; stop(): Promise<void> }> {
  const deliver = async ({ update_id: id }: { readonly update_id: number }): Promise<void> => {
    await store(id);
  };
  const polled = new TelegramPoll({ name, bot: { token: telegram.token, apiUrl: telegram.url }, deliver });
  const sources = await startSources(place.connection, [polled.source], {
    restartPauses: { firstMs: 20, mostMs: 100 },
    log: { warn: () => {} },
  });
  return {
    sources,
    stop: async () => {
      await sources.stop();
      await polled.giveBack(false);
    },
  };
}

test('Telegram forgets an update only once it is stored', async () => {
  const stored: number[] = [];
  let isFull = true;
  telegram.bring(update(1));
  telegram.bring(update(2));
  const one = await poll('careful', (id) => {
    if (id === 2 && isFull) throw new WakebusError('INBOX_FULL', { stream: 'inbox', fill: 1 });
    stored.push(id);
  });
  await eventually(() => one.sources.health()[0]?.restarts).toBeGreaterThan(2);
  expect(telegram.updates.map(({ update_id: id }) => id)).toEqual([2]);

  isFull = false;
  await eventually(() => stored.at(-1)).toBe(2);
  await one.stop();

  expect(stored.filter((id) => id === 2)).toEqual([2]);
  expect(telegram.updates).toEqual([]);
});

test('an update that can never be stored is a dead letter, and holds up nothing', async () => {
  const stored: number[] = [];
  telegram.bring(update(1));
  telegram.bring(update(2));
  const one = await poll('refusing', (id) => {
    if (id === 1) throw new WakebusError('INVALID_PAYLOAD', { why: 'it is no event' });
    stored.push(id);
  });

  await eventually(() => stored).toEqual([2]);
  expect(one.sources.health()).toMatchObject([{ refused: 1, restarts: 0 }]);
  expect((await client.deadLetters.list({ code: 'SOURCE_REFUSED' })).messages).toHaveLength(1);
  await one.stop();
});

test('numbers that are drawn anew, and lower, are taken', async () => {
  const stored: number[] = [];
  const one = await poll('quiet', (id) => stored.push(id));
  telegram.bring(update(900));
  await eventually(() => stored).toEqual([900]);
  await eventually(() => telegram.updates).toEqual([]);

  telegram.bring(update(5));

  await eventually(() => stored).toEqual([900, 5]);
  await one.stop();
}, 30_000);

test('of several processes one asks, and another goes on when it stops', async () => {
  const stored: string[] = [];
  const one = await poll('shared', (id) => stored.push(`one ${id}`));
  await eventually(() => one.sources.health()[0]?.detail).toMatchObject({ asks: true });
  const two = await poll('shared', (id) => stored.push(`two ${id}`));
  telegram.bring(update(1));
  await eventually(() => stored).toEqual(['one 1']);
  expect(two.sources.health()).toMatchObject([{ isHealthy: true, detail: { asks: false } }]);

  await one.stop();
  telegram.bring(update(2));

  await eventually(() => stored).toEqual(['one 1', 'two 2']);
  await two.stop();
});

/** What processes that poll the same bot agree by, for one that does so by hand. */
async function turnsOf(name: string): Promise<{ readonly state: SourceState; readonly sources: Sources }> {
  const found = Promise.withResolvers<SourceState>();
  const source = defineSource({
    name,
    start: async (sink) => {
      sink.ready();
      found.resolve(sink.state);
    },
  });
  const sources = await startSources(place.connection, [source]);
  return { state: await found.promise, sources };
}

test('one that has its turn again does not tell Telegram what it had from before', async () => {
  const { state, sources } = await turnsOf('lapsed');
  const give = async (turn: object | undefined): Promise<void> => {
    await state.put('turn', turn, (await state.get('turn')).revision);
  };
  const stored: number[] = [];
  telegram.bring(update(900));
  telegram.bring(update(901));
  const one = await poll('lapsed', async (id) => {
    if (id === 901) throw new WakebusError('INBOX_FULL', { stream: 'inbox', fill: 1 });
    stored.push(id);
    if (id === 900) await give({ holder: 'another', untilMs: Date.now() + 600_000 });
  });
  await eventually(() => one.sources.health()[0]?.detail).toMatchObject({ asks: false, taken: 1 });

  telegram.updates.splice(0);
  telegram.bring(update(5));
  await give(undefined);

  await eventually(() => stored).toEqual([900, 5]);
  await one.stop();
  await sources.stop();
}, 30_000);
