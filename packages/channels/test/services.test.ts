/** What holds of all five services, each against a fake that checks what the real one checks. */
import { type Channel, type ChannelKind, discord, github, mattermost, slack, telegram } from '@wakebus/channels';
import { type ErrorCode, isWakebusError } from '@wakebus/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeDiscord } from './fakes/fake-discord.ts';
import { FakeGithub } from './fakes/fake-github.ts';
import { FakeMattermost } from './fakes/fake-mattermost.ts';
import type { FakeAnswer, FakeService } from './fakes/fake-service.ts';
import { FakeSlack } from './fakes/fake-slack.ts';
import { FakeTelegram } from './fakes/fake-telegram.ts';
import { TestClock } from './fakes/test-clock.ts';

interface World {
  readonly service: FakeService & { readonly token: string };
  readonly make: (token: string, url?: string) => Channel;
  readonly data: Readonly<Record<string, unknown>>;
  /** Places that are none, or are nobody's. */
  readonly wrong: readonly object[];
  readonly nowhere: object;
  /** The texts that have arrived. */
  readonly arrived: () => readonly string[];
  readonly limited: FakeAnswer;
}

/** Services that show what has been written there, with its key. */
const showing: readonly string[] = ['slack', 'mattermost', 'github'];

let clock: TestClock;
let world: World;

const worlds: Readonly<Record<ChannelKind, () => Promise<World>>> = {
  telegram: async () => {
    const service = await new FakeTelegram(clock).open();
    return {
      service,
      make: (token, apiUrl = service.url) => telegram({ token, apiUrl, clock }),
      data: { chatId: 77, messageId: 5, isPrivate: true },
      wrong: [{}, { chatId: '../getMe' }, { chatId: 77, messageId: 'x' }],
      nowhere: { chatId: 78 },
      arrived: () => service.sent.map(({ text }) => text),
      limited: {
        status: 429,
        body: { ok: false, error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 7 } },
      },
    };
  },
  slack: async () => {
    const service = await new FakeSlack(clock).open();
    return {
      service,
      make: (token, url = service.url) => slack({ token, apiUrl: `${url}/api`, hooksUrl: url, clock }),
      data: { channelId: 'C0ABC', threadTs: '1700000000.000100', userId: 'U1' },
      wrong: [{}, { channelId: 'C0 &text=' }, { channelId: 'C0ABC', threadTs: 'soon' }],
      nowhere: { channelId: 'C0NONE' },
      arrived: () => service.sent.map(({ text }) => text),
      limited: { status: 429, headers: { 'Retry-After': '7' }, body: { ok: false, error: 'ratelimited' } },
    };
  },
  discord: async () => {
    const service = await new FakeDiscord(clock).open();
    return {
      service,
      make: (token, url = service.url) => discord({ token, apiUrl: `${url}/api/v10`, clock }),
      data: { channelId: [...service.channels][0] },
      wrong: [{}, { channelId: '1/../2' }, { applicationId: '100000000000000001', token: 'a/b' }],
      nowhere: { channelId: '200000000000000002' },
      arrived: () => service.sent.map(({ content }) => content),
      limited: { status: 429, body: { message: 'You are being rate limited.', retry_after: 6.5, global: true } },
    };
  },
  mattermost: async () => {
    const service = await new FakeMattermost(clock).open();
    const rootId = service.addPost();
    return {
      service,
      make: (token, url = service.url) => mattermost({ token, url: `${url}/`, clock }),
      data: { channelId: service.channel, rootId },
      wrong: [{}, { channelId: '../users' }, { channelId: service.channel, rootId: 'x' }],
      nowhere: { channelId: 'channel0000000000000000002' },
      arrived: () => [...service.posts.values()].slice(1).map(({ message }) => message),
      limited: { status: 429, headers: { 'X-RateLimit-Reset': '7' }, body: 'limit exceeded' },
    };
  },
  github: async () => {
    const service = await new FakeGithub(clock).open();
    return {
      service,
      make: (token, apiUrl = service.url) => github({ token, apiUrl, clock }),
      data: { repository: service.repository, issue: 7, since: '2026-01-01T00:00:00Z' },
      wrong: [{}, { repository: 'ada/engine/..', issue: 7 }, { repository: 'ada/engine', issue: '7/lock' }],
      nowhere: { repository: service.repository, issue: 9 },
      arrived: () => service.comments.map(({ body }) => body.replace(/\n\n<!-- wakebus:.*-->$/, '')),
      limited: { status: 403, headers: { 'Retry-After': '7' }, body: { message: 'secondary rate limit' } },
    };
  },
};

beforeEach(() => {
  clock = new TestClock();
});

afterEach(() => world.service[Symbol.asyncDispose]());

const never = new AbortController().signal;
const key = 'order.17~1@1.0';

function codeOf(code: ErrorCode): object {
  return { code };
}

describe.each(Object.entries(worlds))('%s', (kind, open) => {
  let channel: Channel;
  const send = (data: object, text: string): Promise<unknown> => channel.send(data, { text, key, signal: never });

  beforeEach(async () => {
    world = await open();
    channel = world.make(world.service.token);
  });

  test('takes a message, and names it', async () => {
    const sent = await channel.send(world.data, { text: 'Hello, Ada', key, signal: never });

    expect(world.arrived()).toEqual(['Hello, Ada']);
    expect(sent).toEqual({ messageId: expect.stringMatching(/^\S+$/) });
    expect(channel.kind).toBe(kind);
  });

  test('is asked for nothing that it would refuse: an empty text, one too long, a place that is none', async () => {
    await expect(send(world.data, ' \n')).rejects.toMatchObject(codeOf('INVALID_OPTION'));
    await expect(send(world.data, 'x'.repeat(channel.textLimit + 1))).rejects.toMatchObject(codeOf('INVALID_OPTION'));
    for (const data of world.wrong) await expect(send(data, 'Hello')).rejects.toMatchObject(codeOf('INVALID_OPTION'));

    expect(world.service.requests).toEqual([]);
  });

  test('takes the longest text that is allowed', async () => {
    await send(world.data, 'x'.repeat(channel.textLimit));

    expect(world.arrived()).toEqual(['x'.repeat(channel.textLimit)]);
  });

  test('refuses a place that nobody has, and credentials that are wrong; neither shows the token', async () => {
    const nowhere = send(world.nowhere, 'Hello');
    await expect(nowhere).rejects.toMatchObject(codeOf('CHANNEL_REFUSED'));
    const stranger = world.make('wrong-token').send(world.data, { text: 'Hello', key, signal: never });
    await expect(stranger).rejects.toMatchObject(codeOf('CHANNEL_REFUSED'));
    await expect(stranger).rejects.not.toThrow(/wrong-token/);

    expect(world.arrived()).toEqual([]);
  });

  test('is given the time that it asks for, and then sends', async () => {
    world.service.faults.push(world.limited);

    await send(world.data, 'Hello');

    expect(clock.slept.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(6_500);
    expect(world.arrived()).toEqual(['Hello']);
  });

  test('that asks for more than a minute holds nobody: the message comes again later', async () => {
    const hour = JSON.parse(
      JSON.stringify(world.limited).replaceAll(/"7"|\b7\b|6\.5/g, (text) => text.replace(/[\d.]+/, '3600')),
    ) as FakeAnswer;
    world.service.faults.push(hour);

    const error = await send(world.data, 'Hello').catch((thrown: unknown) => thrown);

    expect(isWakebusError(error, 'CHANNEL_BUSY') && error.facts.retryMs).toBeGreaterThan(3_000_000);
    expect(clock.slept).toEqual([]);
    await expect(send(world.data, 'Hello')).rejects.toMatchObject(codeOf('CHANNEL_BUSY'));
    expect(world.service.requests).toHaveLength(1);
  });

  test('is paced so that it never has to say so', async () => {
    for (let i = 0; i < 30; i += 1)
      await channel.send(world.data, { text: `Hello ${i}`, key: `order.17~${i}@1.0`, signal: never });

    expect(world.arrived()).toHaveLength(30);
    expect(world.service.requests).toHaveLength(30);
  });

  test.each(['lost before', 'lost after'] as const)(
    'whose answer is %s the deed leaves nobody knowing',
    async (fault) => {
      world.service.faults.push(fault);

      await expect(send(world.data, 'Hello')).rejects.toMatchObject(codeOf('EFFECT_MAYBE'));

      expect(world.arrived()).toHaveLength(fault === 'lost after' ? 1 : 0);
    },
  );

  test('that has a fault of its own leaves nobody knowing', async () => {
    world.service.faults.push({ status: 502, body: 'Bad Gateway' });

    await expect(send(world.data, 'Hello')).rejects.toMatchObject(codeOf('EFFECT_MAYBE'));
  });

  test('that cannot be reached has got nothing', async () => {
    const closed = await new FakeTelegram().open();
    const { url } = closed;
    await closed[Symbol.asyncDispose]();

    const sending = world.make(world.service.token, url).send(world.data, { text: 'Hello', key, signal: never });

    await expect(sending).rejects.toMatchObject(codeOf('UNAVAILABLE'));
  });

  test('says whose its credentials are, and that wrong ones are none', async () => {
    expect((await channel.check(never)).name).toMatch(/fake/);
    await expect(world.make('wrong-token').check(never)).rejects.toMatchObject(codeOf('CHANNEL_REFUSED'));
  });

  test('is not asked by an effect that is over', async () => {
    const sending = channel.send(world.data, { text: 'Hello', key, signal: AbortSignal.abort(new Error('over')) });

    await expect(sending).rejects.toThrow('over');
    expect(world.service.requests).toEqual([]);
  });

  if (showing.includes(kind))
    test('knows its messages by their keys', async () => {
      const find = (of: string): Promise<unknown> =>
        channel.find(world.data, { text: 'Hello', key: of, signal: never });
      expect(await find(key)).toBeUndefined();
      const sent = await send(world.data, 'Hello');

      expect(await find(key)).toEqual(sent);
      expect(await find('order.17~2@1.0')).toBeUndefined();
    });
  else
    test('cannot be asked for what it does not show', async () => {
      const finding = channel.find({ chatId: 77, ...world.data }, { text: 'Hello', key, signal: never });

      await expect(finding).rejects.toMatchObject({ name: 'CannotTell' });
    });
});
