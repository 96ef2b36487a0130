/** An agent that answers, on a real server: asleep while its answers go out, and once each. */
import { type ChannelAddress, channelReply, github, telegram } from '@wakebus/channels';
import { type Client, createClient } from '@wakebus/client';
import { defineAgent, effect } from '@wakebus/core';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { type PlacementNode, connectNats, startPlacementNode } from '@wakebus/placement-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { FakeGithub } from './fakes/fake-github.ts';
import { FakeTelegram } from './fakes/fake-telegram.ts';

type Ask = { type: 'ask'; text: string; replyTo: ChannelAddress };

let server: NatsServers;
let connection: Awaited<ReturnType<typeof connectNats>>;
let node: PlacementNode;
let client: Client;
const chat = new FakeTelegram();
const repo = new FakeGithub();

beforeAll(async () => {
  await Promise.all([chat.open(), repo.open()]);
  const answer = effect(
    channelReply({
      chat: telegram({ token: chat.token, apiUrl: chat.url }),
      repo: github({ token: repo.token, apiUrl: repo.url }),
    }),
  );
  const machine = setup({
    types: { context: {} as { receipts: unknown[]; faults: unknown[] }, events: {} as Ask },
    actors: { answer },
  }).createMachine({
    context: { receipts: [], faults: [] },
    initial: 'listening',
    states: {
      listening: { on: { ask: 'answering' } },
      answering: {
        invoke: {
          id: 'answer',
          src: 'answer',
          input: ({ event }) => ({ to: event.replyTo, text: `You said: ${event.text}` }),
          onDone: {
            target: 'listening',
            actions: assign({ receipts: ({ context, event }) => [...context.receipts, event.output] }),
          },
          onError: {
            target: 'listening',
            actions: assign({
              faults: ({ context, event }) => [...context.faults, (event.error as { code?: unknown }).code],
            }),
          },
        },
      },
    },
  });
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url });
  node = await startPlacementNode({
    connection,
    agents: [defineAgent({ type: 'echo', machine, sleep: { afterMs: 0 } })],
  });
  client = await createClient(connection);
});

afterAll(async () => {
  node.close();
  await connection.close();
  await server.stop();
  await Promise.all([chat[Symbol.asyncDispose](), repo[Symbol.asyncDispose]()]);
});

async function contextOf(id: string): Promise<{ receipts: unknown[]; faults: unknown[] } | undefined> {
  return (await client.inspect(`echo/${id}`))?.context as { receipts: unknown[]; faults: unknown[] } | undefined;
}

const toChat: ChannelAddress = { kind: 'telegram', channel: 'chat', data: { chatId: 77, messageId: 5 } };
const toRepo: ChannelAddress = { kind: 'github', channel: 'repo', data: { repository: 'ada/engine', issue: 7 } };

test('answers where it was asked, and keeps the receipt', async () => {
  await client.agent('echo', 'chat').send({ type: 'ask', text: 'hi', replyTo: toChat });

  await expect.poll(() => contextOf('chat')).toMatchObject({ receipts: [{ channel: 'chat', messageId: '101' }] });
  expect(chat.sent).toMatchObject([{ chatId: 77, replyTo: 5, text: 'You said: hi' }]);
});

test.each(['lost before', 'lost after'] as const)(
  'a comment whose answer was %s it stands there once',
  async (fault) => {
    const before = repo.comments.length;
    repo.faults.push(fault);

    await client.agent('echo', fault).send({ type: 'ask', text: fault, replyTo: toRepo });

    await expect.poll(() => contextOf(fault)).toMatchObject({ receipts: [{ channel: 'repo' }] });
    expect(repo.comments.slice(before).map(({ body }) => body.split('\n')[0])).toEqual([`You said: ${fault}`]);
  },
);

test('a chat that is gone is the machine’s to hear of', async () => {
  const gone = { ...toChat, data: { chatId: 78 } };

  await client.agent('echo', 'gone').send({ type: 'ask', text: 'hi', replyTo: gone });

  await expect
    .poll(async () => (await client.inspect('echo/gone'))?.journal[0])
    .toMatchObject({
      error: { code: 'CHANNEL_REFUSED' },
    });
});

test('a message to a chat whose answer was lost is not sent again, and the machine hears that nobody knows', async () => {
  const before = chat.sent.length;
  chat.faults.push('lost after');

  await client.agent('echo', 'lost').send({ type: 'ask', text: 'lost', replyTo: toChat });

  await expect.poll(() => contextOf('lost')).toMatchObject({ receipts: [], faults: ['EFFECT_MAYBE'] });
  expect(chat.sent).toHaveLength(before + 1);
});
