/** Deliveries that are answered: the event carries its address, and the agent's effect sends to it. */
import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import {
  type ChannelAddress,
  type ChannelKind,
  channelReply,
  discord,
  github,
  mattermost,
  slack,
  telegram,
} from '@wakebus/channels';
import { type AnyAgentDefinition, defineAgent, effect } from '@wakebus/core';
import {
  type ServedGateway,
  type Webhook,
  discord as discordHook,
  github as githubHook,
  mattermost as mattermostHook,
  readWebhooks,
  slack as slackHook,
  standardWebhooks,
  telegram as telegramHook,
} from '@wakebus/gateway';
import { type PlacementNode, startPlacementNode } from '@wakebus/placement-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { FakeDiscord } from '../../channels/test/fakes/fake-discord.ts';
import { FakeGithub } from '../../channels/test/fakes/fake-github.ts';
import { FakeMattermost } from '../../channels/test/fakes/fake-mattermost.ts';
import { FakeSlack } from '../../channels/test/fakes/fake-slack.ts';
import { FakeTelegram } from '../../channels/test/fakes/fake-telegram.ts';
import { type World, ask, eventually, startWorld } from './world.ts';

const SECRET = 'shh';
const pair = generateKeyPairSync('ed25519');
const PUBLIC_KEY = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');

const services = {
  telegram: new FakeTelegram(),
  slack: new FakeSlack(),
  discord: new FakeDiscord(),
  mattermost: new FakeMattermost(),
  github: new FakeGithub(),
};

/** Its channels are named as its webhooks are. */
function echoAgent(): AnyAgentDefinition {
  const { telegram: chat, slack: team, discord: guild, mattermost: town, github: repo } = services;
  const answer = effect(
    channelReply({
      telegram: telegram({ token: chat.token, apiUrl: chat.url }),
      slack: slack({ token: team.token, apiUrl: team.apiUrl, hooksUrl: team.url }),
      discord: discord({ token: guild.token, apiUrl: guild.apiUrl }),
      mattermost: mattermost({ token: town.token, url: town.url }),
      github: github({ token: repo.token, apiUrl: repo.url }),
    }),
  );
  const machine = setup({
    types: {
      context: {} as { addresses: unknown[] },
      events: {} as { type: 'said'; replyTo: ChannelAddress } | { type: 'murmured' },
    },
    actors: { answer },
  }).createMachine({
    context: { addresses: [] },
    initial: 'listening',
    on: {
      murmured: {
        actions: assign({
          addresses: ({ event }) => [`none came with ${Object.keys(event).toSorted().join(', ')}`],
        }),
      },
      said: {
        target: '.answering',
        actions: assign({ addresses: ({ context, event }) => [...context.addresses, event.replyTo] }),
      },
    },
    states: {
      listening: {},
      answering: {
        invoke: {
          id: 'answer',
          src: 'answer',
          input: ({ event }) => {
            const { replyTo } = event as { replyTo: ChannelAddress };
            return { to: replyTo, text: `Hello from ${replyTo.kind}` };
          },
          onDone: 'listening',
        },
      },
    },
  });
  return defineAgent({ type: 'echo', machine });
}

const map: Webhook['map'] = ({ source, body }) => ({ agent: `echo/${source}`, event: 'said', data: { body } });

const webhooks: Record<string, Webhook> = {
  telegram: { scheme: telegramHook(), secrets: [SECRET], map, replyTo: true },
  slack: { scheme: slackHook(), secrets: [SECRET], map, replyTo: true },
  discord: { scheme: discordHook(), secrets: [PUBLIC_KEY], map, replyTo: true },
  mattermost: { scheme: mattermostHook(), secrets: [SECRET], map, replyTo: true },
  github: { scheme: githubHook(), secrets: [SECRET], map, replyTo: true },
  silent: {
    scheme: telegramHook(),
    secrets: [SECRET],
    map: ({ body }) => ({ agent: 'echo/silent', event: 'murmured', data: { body } }),
  },
  given: {
    scheme: telegramHook(),
    secrets: [SECRET],
    replyTo: true,
    map: ({ replyTo }) => ({ agent: `echo/${String(replyTo?.data['chatId'])}`, event: 'said' }),
  },
};

let world: World;
let gateway: ServedGateway;
let node: PlacementNode;

beforeAll(async () => {
  await Promise.all(Object.values(services).map((service) => service.open()));
  world = await startWorld();
  node = await startPlacementNode({ connection: world.connection, agents: [echoAgent()] });
  gateway = await world.serve({ webhooks });
});

afterAll(async () => {
  node.close();
  await world[Symbol.asyncDispose]();
  await Promise.all(Object.values(services).map((service) => service[Symbol.asyncDispose]()));
});

const hex = (text: string): string => createHmac('sha256', SECRET).update(text).digest('hex');
const update = { update_id: 1, message: { message_id: 5, chat: { id: 77, type: 'private' }, text: 'hi' } };

/** A delivery of each kind, signed as its sender signs. */
const deliveries: Readonly<Record<ChannelKind, () => { body: string; headers: Record<string, string> }>> = {
  telegram: () => ({ body: JSON.stringify(update), headers: { 'X-Telegram-Bot-Api-Secret-Token': SECRET } }),
  slack: () => {
    const form = new URLSearchParams({
      command: '/ask',
      trigger_id: 't-1',
      channel_id: 'C0ABC',
      user_id: 'U1',
      response_url: services.slack.responseUrl(),
    }).toString();
    const at = String(Math.floor(Date.now() / 1_000));
    return {
      body: form,
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Slack-Request-Timestamp': at,
        'X-Slack-Signature': `v0=${hex(`v0:${at}:${form}`)}`,
      },
    };
  },
  discord: () => {
    const body = JSON.stringify(services.discord.interaction());
    const at = String(Math.floor(Date.now() / 1_000));
    const signature = signBytes(null, Buffer.from(at + body), pair.privateKey).toString('hex');
    return { body, headers: { 'X-Signature-Ed25519': signature, 'X-Signature-Timestamp': at } };
  },
  mattermost: () => ({
    body: new URLSearchParams({
      token: SECRET,
      post_id: services.mattermost.addPost(),
      channel_id: services.mattermost.channel,
      user_id: 'u',
    }).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  }),
  github: () => {
    const body = JSON.stringify({
      action: 'opened',
      repository: { full_name: services.github.repository },
      issue: { number: 7, updated_at: '2026-11-21T12:00:00Z' },
      sender: { type: 'User' },
    });
    const headers = {
      'X-GitHub-Event': 'issues',
      'X-GitHub-Delivery': 'd-1',
      'X-Hub-Signature-256': `sha256=${hex(body)}`,
    };
    return { body, headers };
  },
};

/** What has arrived at each service. */
const arrived: Readonly<Record<ChannelKind, () => readonly unknown[]>> = {
  telegram: () => services.telegram.sent.map(({ text }) => text),
  slack: () => services.slack.responses.map(({ text }) => text),
  discord: () => [...services.discord.interactions.values()].map(({ content }) => content),
  mattermost: () => [...services.mattermost.posts.values()].slice(1).map(({ message }) => message),
  github: () => services.github.comments.map(({ body }) => body.split('\n')[0]),
};

test.each(Object.keys(deliveries) as ChannelKind[])(
  'a delivery of %s is answered where it came from, once',
  async (kind) => {
    const delivery = deliveries[kind]();
    const answers = [
      await ask(gateway, 'POST', `/hooks/${kind}`, delivery),
      await ask(gateway, 'POST', `/hooks/${kind}`, delivery),
    ];

    expect(answers.map(({ status }) => Math.floor(status / 100))).toEqual([2, 2]);
    await eventually(() => arrived[kind]()).toEqual([`Hello from ${kind}`]);
    expect((await world.client.inspect(`echo/${kind}`))?.context).toMatchObject({
      addresses: [{ kind, channel: kind }],
    });
  },
);

test('an event carries no address unless its webhook asks for it', async () => {
  await ask(gateway, 'POST', '/hooks/silent', deliveries.telegram());

  await eventually(async () => (await world.client.inspect('echo/silent'))?.context).toEqual({
    addresses: ['none came with body, type'],
  });
});

test('a mapping can see the address', async () => {
  await ask(gateway, 'POST', '/hooks/given', deliveries.telegram());

  await eventually(async () => (await world.client.inspect('echo/77'))?.context).toMatchObject({
    addresses: [{ channel: 'given', data: { chatId: 77 } }],
  });
});

test('a webhook that nobody can answer may not be asked for addresses', async () => {
  const odd = world.serve({ webhooks: { odd: { scheme: standardWebhooks(), secrets: [SECRET], map, replyTo: true } } });

  await expect(odd).rejects.toMatchObject({ code: 'INVALID_OPTION', facts: { option: 'webhooks.odd' } });
});

test('who waits for an agent that nobody runs sees that it is waking up', async () => {
  const { token, url } = services.telegram;
  const notice = telegram({ token, apiUrl: url });
  const patient = await world.serve({
    webhooks: {
      waking: {
        scheme: telegramHook(),
        secrets: [SECRET],
        map: { agent: 'sleeper/1', event: 'said' },
        replyTo: true,
        notice,
      },
    },
  });
  const before = services.telegram.shown.length;

  const answer = await ask(patient, 'POST', '/hooks/waking', deliveries.telegram());
  expect(answer.status).toBe(200);
  await eventually(() => services.telegram.shown.slice(before)).toContainEqual({
    method: 'sendChatAction',
    chatId: 77,
  });
});

test('a notice of another service is refused', async () => {
  const { token, url } = services.telegram;
  const notice = telegram({ token, apiUrl: url });
  const odd = world.serve({
    webhooks: { odd: { scheme: githubHook(), secrets: [SECRET], map, replyTo: true, notice } },
  });

  await expect(odd).rejects.toMatchObject({ code: 'INVALID_OPTION', facts: { option: 'webhooks.odd' } });
});

test('a file names the variable of a notice’s token', () => {
  const repo = {
    kind: 'github',
    secretsFrom: ['S'],
    map: { agent: 'a/b', event: 'c' },
    notice: { tokenFrom: 'T' },
  } as const;

  expect(readWebhooks({ repo }, { S: SECRET, T: 'token' })['repo']?.notice?.kind).toBe('github');
  expect(() => readWebhooks({ repo }, { S: SECRET })).toThrow(/T holds no token/);
  expect(() => readWebhooks({ repo: { ...repo, kind: 'stripe' } }, { S: SECRET, T: 'token' })).toThrow(/no channel/);
  expect(() => readWebhooks({ repo: { ...repo, kind: 'mattermost' } }, { S: SECRET, T: 'token' })).toThrow(/where/);
});
