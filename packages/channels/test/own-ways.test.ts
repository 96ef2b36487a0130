/** What each service has of its own. */
import {
  type Channel,
  type ChannelClock,
  discord,
  github,
  mattermost,
  showNotice,
  slack,
  telegram,
} from '@wakebus/channels';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeDiscord } from './fakes/fake-discord.ts';
import { FakeGithub } from './fakes/fake-github.ts';
import { FakeMattermost } from './fakes/fake-mattermost.ts';
import { FakeSlack } from './fakes/fake-slack.ts';
import { FakeTelegram } from './fakes/fake-telegram.ts';
import { TestClock } from './fakes/test-clock.ts';

const HALF_AN_HOUR_MS = 1_800_000;
const signal = new AbortController().signal;
const message = { text: 'Hello', key: 'order.17~1@1.0', signal };

let clock: TestClock;

beforeEach(() => {
  clock = new TestClock();
});

describe('telegram', () => {
  let service: FakeTelegram;
  let channel: Channel;

  beforeEach(async () => {
    service = await new FakeTelegram(clock).open();
    channel = telegram({ token: () => Promise.resolve(service.token), apiUrl: service.url, clock });
  });

  afterEach(() => service[Symbol.asyncDispose]());

  test('answers in the topic, as a reply to the message, also when that is gone', async () => {
    await channel.send({ chatId: -1001, messageId: 5, threadId: 9 }, message);
    await channel.send({ chatId: -1001, messageId: 6 }, message);

    expect(service.sent).toMatchObject([
      { chatId: -1001, threadId: 9, replyTo: 5 },
      { chatId: -1001, replyTo: 6 },
    ]);
  });

  test('keeps three seconds between messages to a group, and one between those to a person', async () => {
    const atMs: number[] = [];
    for (const chatId of [-1001, -1001, 77, 77]) {
      await channel.send({ chatId }, message);
      atMs.push(clock.now);
    }

    expect(service.sent).toHaveLength(4);
    expect(atMs.map((ms) => ms - (atMs[0] as number))).toEqual([0, 3_000, 3_000, 4_000]);
  });

  test('follows a group that has become a supergroup', async () => {
    service.moved.set(-5, -1002);

    await channel.send({ chatId: -5, messageId: 5 }, message);

    expect(service.sent).toMatchObject([{ chatId: -1002, text: 'Hello' }]);
  });
});

describe('slack', () => {
  let service: FakeSlack;
  let channel: Channel;

  beforeEach(async () => {
    service = await new FakeSlack(clock).open();
    channel = slack({ token: service.token, apiUrl: service.apiUrl, hooksUrl: service.url, clock });
  });

  afterEach(() => service[Symbol.asyncDispose]());

  test('answers in the thread', async () => {
    await channel.send({ channelId: 'C0ABC', threadTs: '1700000000.000100' }, message);

    expect(service.sent).toMatchObject([{ channel: 'C0ABC', threadTs: '1700000000.000100' }]);
  });

  test('a response URL takes five messages', async () => {
    const data = { responseUrl: service.responseUrl() };
    for (let i = 0; i < 5; i += 1) expect(await channel.send(data, message)).toEqual({});

    await expect(channel.send(data, message)).rejects.toMatchObject({ name: 'AddressGone' });
    expect(service.responses).toHaveLength(5);
    expect(service.responses[0]).toEqual({ response_type: 'in_channel', text: 'Hello' });
  });

  test('a response URL is good for half an hour', async () => {
    const data = { responseUrl: service.responseUrl() };
    clock.now += HALF_AN_HOUR_MS;

    await expect(channel.send(data, message)).rejects.toMatchObject({ name: 'AddressGone' });
  });

  test.each([
    'http://127.0.0.1:1/commands/T0/1/x',
    'https://hooks.slack.com.example.com/commands/x',
    'https://hooks.slack.com@example.com/x',
  ])('an event cannot have it answer at %s', async (responseUrl) => {
    const real = slack({ token: service.token, clock });

    await expect(real.send({ responseUrl }, message)).rejects.toMatchObject({ code: 'CHANNEL_REFUSED' });
    await expect(channel.send({ responseUrl }, message)).rejects.toMatchObject({ code: 'CHANNEL_REFUSED' });
    expect(service.requests).toEqual([]);
  });

  test('without the scope to read, or at a response URL, nobody can say what has arrived', async () => {
    service.scopes.delete('channels:history');

    await expect(channel.find({ channelId: 'C0ABC' }, message)).rejects.toMatchObject({ code: 'CHANNEL_REFUSED' });
    const atUrl = channel.find({ responseUrl: service.responseUrl() }, message);
    await expect(atUrl).rejects.toMatchObject({ name: 'CannotTell' });
  });
});

describe('discord', () => {
  let service: FakeDiscord;
  let channel: Channel;

  beforeEach(async () => {
    service = await new FakeDiscord(clock).open();
    channel = discord({ token: service.token, apiUrl: service.apiUrl, clock });
  });

  afterEach(() => service[Symbol.asyncDispose]());

  function placeOf({ token }: { readonly token: string }): { token: string; applicationId: string; madeMs: number } {
    return { token, applicationId: service.applicationId, madeMs: clock.now };
  }

  test('takes the place of "is thinking…", without a token of the bot', async () => {
    const bare = discord({ apiUrl: service.apiUrl, clock });
    const place = placeOf(service.interaction());

    expect(await bare.find(place, message)).toBeUndefined();
    await bare.send(place, message);

    expect(service.interactions.get(place.token)?.content).toBe('Hello');
    expect(await bare.find(place, message)).toEqual({ messageId: '300000000000000001' });
    expect(await bare.find(place, { ...message, text: 'another' })).toBeUndefined();
    expect(service.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  test('waits for an acknowledgement that the agent has outrun', async () => {
    const place = placeOf(service.interaction(2, false));
    const waiting: ChannelClock = {
      nowMs: () => clock.now,
      sleep: (ms, ends) => {
        const interaction = service.interactions.get(place.token);
        if (interaction !== undefined) interaction.isAcknowledged = true;
        return clock.sleep(ms, ends);
      },
    };

    await discord({ apiUrl: service.apiUrl, clock: waiting }).send(place, message);

    expect(service.interactions.get(place.token)?.content).toBe('Hello');
  });

  test('a token is good for a quarter of an hour', async () => {
    const place = placeOf(service.interaction());
    clock.now += 900_000;

    await expect(channel.send(place, message)).rejects.toMatchObject({ name: 'AddressGone' });
    await expect(channel.find(place, message)).rejects.toMatchObject({ name: 'CannotTell' });
  });

  test('answers a component by another message, not in the one that it stands in', async () => {
    const place = placeOf(service.interaction(3));

    const sent = await channel.send({ ...place, isFollowUp: true }, message);

    expect(service.followUps).toEqual(['Hello']);
    expect(sent).toEqual({ messageId: '300000000000000002' });
    expect(service.interactions.get(place.token)?.content).toBeUndefined();
  });

  test('sends to a channel once under a key, and finds it', async () => {
    const place = { channelId: [...service.channels][0] };
    const first = await channel.send(place, message);

    expect(await channel.send(place, message)).toEqual(first);
    expect(await channel.find(place, message)).toEqual(first);
    expect(service.sent).toHaveLength(1);
  });

  test('stops before it is told to', async () => {
    const place = { channelId: [...service.channels][0] };
    const headers = { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset-After': '4.5' };
    service.faults.push({ status: 200, headers, body: { id: '1' } });
    await channel.send(place, message);

    await channel.send(place, message);

    expect(clock.slept).toContain(4_500);
  });
});

describe('mattermost', () => {
  let service: FakeMattermost;
  let channel: Channel;

  beforeEach(async () => {
    service = await new FakeMattermost(clock).open();
    channel = mattermost({ url: service.url, token: service.token, clock });
  });

  afterEach(() => service[Symbol.asyncDispose]());

  test('answers at the top of the thread whose middle rang', async () => {
    const root = service.addPost();
    const middle = service.addPost(root);

    await channel.send({ channelId: service.channel, rootId: middle }, message);

    expect([...service.posts.values()].at(-1)).toMatchObject({ message: 'Hello', root_id: root });
  });

  test('a response URL takes five messages within half an hour', async () => {
    const data = { responseUrl: service.responseUrl() };
    for (let i = 0; i < 5; i += 1) await channel.send(data, message);
    const old = { responseUrl: service.responseUrl() };

    await expect(channel.send(data, message)).rejects.toMatchObject({ name: 'AddressGone' });
    clock.now += HALF_AN_HOUR_MS;
    await expect(channel.send(old, message)).rejects.toMatchObject({ name: 'AddressGone' });
    expect(service.responses).toHaveLength(5);
  });

  test('an event cannot have it answer elsewhere', async () => {
    for (const responseUrl of ['http://127.0.0.1:1/hooks/commands/x', `${service.url}/api/v4/posts`])
      await expect(channel.send({ responseUrl }, message)).rejects.toMatchObject({ code: 'CHANNEL_REFUSED' });

    expect(service.requests).toEqual([]);
  });
});

describe('github', () => {
  let service: FakeGithub;
  let channel: Channel;

  beforeEach(async () => {
    service = await new FakeGithub(clock).open();
    channel = github({ token: service.token, apiUrl: service.url, clock });
  });

  afterEach(() => service[Symbol.asyncDispose]());

  test('answers in the thread of a review, and finds it there', async () => {
    const data = { repository: service.repository, issue: 7, commentId: 12, isReview: true };

    const sent = await channel.send(data, message);

    expect(service.comments.map(({ at }) => at)).toEqual(['/pulls/7/comments']);
    expect(await channel.find(data, message)).toEqual(sent);
  });

  test.each([
    ['at a discussion', {}, 'D_one'],
    ['in the thread of a comment', { discussionCommentId: 'DC_root' }, 'DC_root'],
    [
      'in the thread of a reply, which hangs on the comment that began it',
      { discussionCommentId: 'DC_reply' },
      'DC_root',
    ],
  ])('answers %s, and finds it there among many', async (_where, comment, at) => {
    const data = { repository: service.repository, discussionId: 'D_one', ...comment };
    const sent = await channel.send(data, message);
    expect(service.comments.map((each) => [each.at, each.body])).toEqual([[at, expect.stringContaining('Hello')]]);

    for (let i = 0; i < 120; i += 1) service.comments.push({ id: i, body: 'x', at, updated_at: '' });

    expect(await channel.find(data, message)).toEqual(sent);
    expect(await channel.find(data, { ...message, key: 'another' })).toBeUndefined();
    expect(await channel.notify(data, signal)).toBeUndefined();
  });

  test('hears a refusal that comes as a success, and one for its rate, after which the message comes again later', async () => {
    const nowhere = { repository: service.repository, discussionId: 'D_none' };
    await expect(channel.send(nowhere, message)).rejects.toMatchObject({ code: 'CHANNEL_REFUSED' });
    await expect(channel.send({ ...nowhere, discussionId: 'D "' }, message)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });

    service.faults.push({
      status: 200,
      body: { errors: [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded' }] },
    });
    await expect(channel.send({ ...nowhere, discussionId: 'D_one' }, message)).rejects.toMatchObject({
      code: 'CHANNEL_BUSY',
    });
    expect(service.comments).toEqual([]);
  });

  test('writes its key so that nobody sees it', async () => {
    await channel.send({ repository: service.repository, issue: 7 }, { ...message, key: 'a--b -->' });

    expect(service.comments[0]?.body).toBe('Hello\n\n<!-- wakebus:a%2D%2Db%20%2D%2D%3E -->');
  });

  test('looks through all pages for a comment', async () => {
    const data = { repository: service.repository, issue: 7 };
    for (let i = 0; i < 120; i += 1)
      service.comments.push({ id: i, body: 'x', at: '/issues/7/comments', updated_at: '2026-11-21T12:00:00.000Z' });
    const sent = await channel.send(data, message);

    expect(await channel.find(data, message)).toEqual(sent);
  });

  test('knows the installation of an app, which has no user', async () => {
    service.faults.push({ status: 403, body: { message: 'Resource not accessible by integration' } });

    expect(await channel.check(signal)).toEqual({ name: 'an installation of an app' });
  });

  test('waits for its quota', async () => {
    const headers = { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(clock.now / 1_000 + 20) };
    service.faults.push({ status: 403, headers, body: { message: 'API rate limit exceeded' } });

    await channel.send({ repository: service.repository, issue: 7 }, message);

    expect(clock.slept).toEqual([20_000]);
    expect(service.comments).toHaveLength(1);
  });
});

describe('while an agent wakes up', () => {
  const aborted = AbortSignal.timeout(60_000);

  test('Telegram shows typing in the topic', async () => {
    await using service = await new FakeTelegram(clock).open();
    const channel = telegram({ token: service.token, apiUrl: service.url, clock });

    expect(await channel.notify({ chatId: -1001, messageId: 5 }, aborted)).toEqual({ againMs: 4_500 });
    expect(service.shown).toEqual([{ method: 'sendChatAction', chatId: -1001 }]);
  });

  test('Slack shows a status in the thread and takes it away; outside of threads, words for the user', async () => {
    await using service = await new FakeSlack(clock).open();
    const channel = slack({ token: service.token, apiUrl: service.apiUrl, clock });
    const thread = { channelId: 'C0ABC', threadTs: '1700000000.000100', userId: 'U1' };
    const shown = await channel.notify(thread, aborted);
    await shown?.clear?.(aborted);
    await channel.notify({ channelId: 'C0ABC', userId: 'U1' }, aborted);

    expect(service.shown).toMatchObject([
      { method: 'assistant.threads.setStatus', thread_ts: thread.threadTs, status: 'is waking up…' },
      { method: 'assistant.threads.setStatus', thread_ts: thread.threadTs, status: '' },
      { method: 'chat.postEphemeral', user: 'U1', text: 'Waking up…' },
    ]);
    const command = { responseUrl: service.responseUrl() };
    expect(await channel.notify(command, aborted)).toBeUndefined();
    const address = { kind: 'slack', channel: 'x', data: command } as const;
    const fallback = { ...address, data: { channelId: 'C0ABC', userId: 'U1' } };
    expect(await showNotice(channel, { ...address, fallback }, aborted)).toEqual({});
  });

  test('Discord says so already', async () => {
    await using service = await new FakeDiscord(clock).open();
    const channel = discord({ apiUrl: service.apiUrl, clock });

    expect(await channel.notify({ applicationId: '100000000000000001', token: 't' }, aborted)).toEqual({});
    expect(service.requests).toEqual([]);
  });

  test('Mattermost shows typing', async () => {
    await using service = await new FakeMattermost(clock).open();
    const channel = mattermost({ url: service.url, token: service.token, clock });
    const rootId = service.addPost();

    expect(await channel.notify({ channelId: service.channel, rootId }, aborted)).toEqual({ againMs: 4_500 });
    expect(service.typing).toEqual([{ channel_id: service.channel, parent_id: rootId }]);
  });

  test('GitHub shows eyes at what was said, and leaves those that stood there', async () => {
    await using service = await new FakeGithub(clock).open();
    const channel = github({ token: service.token, apiUrl: service.url, clock });
    const place = { repository: service.repository, issue: 7, commentId: 12 };
    const shown = await channel.notify(place, aborted);
    expect([...service.reactions.values()]).toEqual([{ at: '/issues/comments/12', content: 'eyes' }]);
    expect(await channel.notify(place, aborted)).toEqual({});
    await shown?.clear?.(aborted);

    expect(service.reactions.size).toBe(0);
    await channel.notify({ repository: service.repository, issue: 7 }, aborted);
    expect([...service.reactions.values()]).toEqual([{ at: '/issues/7', content: 'eyes' }]);
  });
});
