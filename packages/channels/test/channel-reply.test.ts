/** Answers as effects see them: addresses in their order, and what is known of an attempt. */
import { type ChannelAddress, channelReply, discord, github, slack, telegram } from '@wakebus/channels';
import { effect } from '@wakebus/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeDiscord } from './fakes/fake-discord.ts';
import { FakeGithub } from './fakes/fake-github.ts';
import { FakeSlack } from './fakes/fake-slack.ts';
import { FakeTelegram } from './fakes/fake-telegram.ts';
import { TestClock } from './fakes/test-clock.ts';

let clock: TestClock;
let services: AsyncDisposableStack;
let chat: FakeTelegram;
let team: FakeSlack;
let guild: FakeDiscord;
let repo: FakeGithub;
let answer: ReturnType<typeof channelReply>;

beforeEach(async () => {
  clock = new TestClock();
  services = new AsyncDisposableStack();
  chat = services.use(await new FakeTelegram(clock).open());
  team = services.use(await new FakeSlack(clock).open());
  guild = services.use(await new FakeDiscord(clock).open());
  repo = services.use(await new FakeGithub(clock).open());
  const channels = {
    chat: telegram({ token: chat.token, apiUrl: chat.url, clock }),
    team: slack({ token: team.token, apiUrl: team.apiUrl, hooksUrl: team.url, clock }),
    guild: discord({ token: guild.token, apiUrl: guild.apiUrl, clock }),
    repo: github({ token: repo.token, apiUrl: repo.url, clock }),
  };
  answer = channelReply(channels, clock);
});

afterEach(() => services[Symbol.asyncDispose]());

const toChat: ChannelAddress = { kind: 'telegram', channel: 'chat', data: { chatId: 77 } };
const signal = new AbortController().signal;

function args(to: ChannelAddress, text = 'Hello'): Parameters<typeof answer.run>[0] {
  return { input: { to, text }, idempotencyKey: 'order.17~1@1.0', signal };
}

/** An interaction that was made now, with its channel behind it. */
function toGuild(): ChannelAddress {
  const { token } = guild.interaction();
  return {
    kind: 'discord',
    channel: 'guild',
    data: { applicationId: guild.applicationId, token, madeMs: clock.now },
    expiresAt: clock.now + 900_000,
    fallback: { kind: 'discord', channel: 'guild', data: { channelId: [...guild.channels][0] } },
  };
}

test('an effect takes its options as they are', () => {
  expect(() => effect(answer)).not.toThrow();
  expect(() => effect({ ...answer, onMaybe: 'ask' })).not.toThrow();
});

describe('the address', () => {
  test('says which channel it goes by', async () => {
    expect(await answer.run(args(toChat))).toEqual({ channel: 'chat', messageId: '101' });
    expect(chat.sent).toMatchObject([{ chatId: 77, text: 'Hello' }]);
  });

  test('is left for its fallback when it has expired, without asking', async () => {
    const to = toGuild();
    clock.now += 900_000;

    expect(await answer.run(args(to))).toMatchObject({ channel: 'guild' });
    expect(guild.sent.map(({ content }) => content)).toEqual(['Hello']);
    expect(guild.requests).toHaveLength(1);
  });

  test('is left for its fallback when the service says that it is over', async () => {
    const { expiresAt: _none, ...to } = toGuild();
    clock.now += 900_000;

    await answer.run(args(to));

    expect(guild.sent).toHaveLength(1);
  });

  test('may fall back on another channel', async () => {
    const responseUrl = team.responseUrl();
    const to: ChannelAddress = { kind: 'slack', channel: 'team', data: { responseUrl }, fallback: toChat };
    for (let i = 0; i < 6; i += 1) await answer.run(args(to, `Hello ${i}`));

    expect(team.responses).toHaveLength(5);
    expect(chat.sent.map(({ text }) => text)).toEqual(['Hello 5']);
  });

  test('that is over and has nothing behind it is a fault that no repetition mends', async () => {
    const { fallback: _none, ...to } = toGuild();
    clock.now += 900_000;

    await expect(answer.run(args(to))).rejects.toMatchObject({ code: 'CHANNEL_ADDRESS_EXPIRED', next: 'terminal' });
  });

  test('that a service refuses is not left for its fallback: that is a mistake, and should be seen', async () => {
    const to = { ...toChat, data: { chatId: 78 }, fallback: toChat };

    await expect(answer.run(args(to))).rejects.toMatchObject({ code: 'CHANNEL_REFUSED' });
    expect(chat.sent).toEqual([]);
  });

  test.each([
    ['nobody has', { ...toChat, channel: 'nobody' }, 'CHANNEL_UNKNOWN'],
    ['every object has', { ...toChat, channel: 'toString' }, 'CHANNEL_UNKNOWN'],
    ['is of another kind', { ...toChat, channel: 'team' }, 'CHANNEL_UNKNOWN'],
  ])('of a channel that %s is refused', async (_what, to, code) => {
    await expect(answer.run(args(to))).rejects.toMatchObject({ code });
  });

  const looped: { fallback?: unknown } = { ...toChat };
  looped.fallback = looped;
  test.each([
    ['nothing', undefined],
    ['a text', '77'],
    ['no kind', { ...toChat, kind: 'fax' }],
    ['no data', { ...toChat, data: null }],
    ['an expiry that is none', { ...toChat, expiresAt: 'soon' }],
    ['a fallback that is none', { ...toChat, fallback: { kind: 'telegram' } }],
    ['no end', looped],
  ])('that is %s is refused', async (_what, to) => {
    await expect(answer.run(args(to as ChannelAddress))).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('of an attempt that nobody knows about', () => {
  const toRepo: ChannelAddress = { kind: 'github', channel: 'repo', data: { repository: 'ada/engine', issue: 7 } };

  test.each(['lost before', 'lost after'] as const)('whose answer was %s it, GitHub says', async (fault) => {
    repo.faults.push(fault);
    await expect(answer.run(args(toRepo))).rejects.toMatchObject({ code: 'EFFECT_MAYBE' });

    const found = await answer.lookup(args(toRepo));

    const output = { channel: 'repo', messageId: '1001' };
    expect(found).toEqual(fault === 'lost after' ? { happened: true, output } : { happened: false });
  });

  test('Telegram cannot say', async () => {
    await expect(answer.lookup(args(toChat))).rejects.toSatisfy(answer.isFinal);
  });

  test('a fallback that has it says so, although the address before it cannot be asked', async () => {
    await answer.run(args(toRepo));

    expect(await answer.lookup(args({ ...toChat, fallback: toRepo }))).toMatchObject({ happened: true });
  });

  test('one that has nothing does not speak for the one that cannot be asked', async () => {
    await expect(answer.lookup(args({ ...toChat, fallback: toRepo }))).rejects.toSatisfy(answer.isFinal);
  });
});

test('only a service that is not there, or answers nothing, is unwell', async () => {
  const faultOf = (run: Promise<unknown>): Promise<boolean> => run.then(() => false, answer.isTargetFault);
  chat.faults.push({ status: 500 });
  expect(await faultOf(answer.run(args(toChat)))).toBe(true);
  expect(await faultOf(answer.run(args({ ...toChat, data: { chatId: 78 } })))).toBe(false);
  chat.faults.push({ status: 429, body: { ok: false, parameters: { retry_after: 3_600 } } });
  expect(await faultOf(answer.run(args(toChat)))).toBe(false);
});

test('what was refused is not repeated; what may go better is', async () => {
  const isFinal = (run: Promise<unknown>): Promise<boolean> => run.then(() => false, answer.isFinal);
  expect(await isFinal(answer.run(args({ ...toChat, data: { chatId: 78 } })))).toBe(true);
  chat.faults.push({ status: 429, body: { ok: false, parameters: { retry_after: 3_600 } } });
  expect(await isFinal(answer.run(args(toChat)))).toBe(false);
  repo.faults.push({ status: 502 });
  const toRepo: ChannelAddress = { kind: 'github', channel: 'repo', data: { repository: 'ada/engine', issue: 7 } };
  expect(await isFinal(answer.lookup(args(toRepo)))).toBe(false);
});
