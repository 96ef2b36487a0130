/** Where deliveries are answered, of each kind as its service sends them. */
import examples from '@octokit/webhooks-examples';
import { type ChannelAddress, type ChannelKind, replyAddressOf } from '@wakebus/channels';
import { describe, expect, test } from 'vitest';

const AT_MS = Date.parse('2026-11-21T12:00:00Z');

function addressOf(
  kind: ChannelKind,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): ChannelAddress | undefined {
  return replyAddressOf(kind, 'hook', { body, header: (name) => headers[name] ?? '', atMs: AT_MS });
}

test.each(['telegram', 'slack', 'discord', 'mattermost', 'github'] as const)(
  'what %s says of something else has no address',
  (kind) => {
    for (const body of [undefined, null, 'text', [], {}, { event: 1 }, { message: null }, { type: 1, token: 't' }])
      expect(addressOf(kind, body)).toBeUndefined();
  },
);

describe('telegram', () => {
  const chat = { id: -1001, type: 'supergroup', is_forum: true };
  const message = { message_id: 5, chat, from: { id: 1 }, text: 'hi' };

  test.each([
    ['a message', { update_id: 1, message }],
    ['one that was edited', { update_id: 1, edited_message: message }],
    ['a post', { update_id: 1, channel_post: message }],
    ['a button', { update_id: 1, callback_query: { id: '9', message } }],
  ])('%s is answered in its chat', (_what, body) => {
    expect(addressOf('telegram', body)).toEqual({
      kind: 'telegram',
      channel: 'hook',
      data: { chatId: -1001, messageId: 5 },
    });
  });

  test('a topic is answered in it; a thread of replies is none', () => {
    const topic = { ...message, message_thread_id: 3, is_topic_message: true };

    expect(addressOf('telegram', { message: topic })?.data).toMatchObject({ threadId: 3 });
    expect(addressOf('telegram', { message: { ...topic, is_topic_message: undefined } })?.data).toEqual({
      chatId: -1001,
      messageId: 5,
    });
    const alone = { ...message, chat: { id: 77, type: 'private' } };
    expect(addressOf('telegram', { message: alone })?.data).toEqual({ chatId: 77, messageId: 5, isPrivate: true });
  });
});

describe('slack', () => {
  const event = { type: 'app_mention', channel: 'C0ABC', user: 'U1', ts: '1700000000.000100' };

  test('an event is answered in its thread, or begins one', () => {
    const data = { channelId: 'C0ABC', threadTs: '1700000000.000100', userId: 'U1' };
    expect(addressOf('slack', { type: 'event_callback', event })).toEqual({ kind: 'slack', channel: 'hook', data });
    const inThread = { ...event, thread_ts: '1690000000.000100' };
    expect(addressOf('slack', { event: inThread })?.data).toEqual({ ...data, threadTs: '1690000000.000100' });
  });

  test('a reaction is answered where it was put, an assistant’s thread where it was begun', () => {
    const item = { type: 'message', channel: 'C0ABC', ts: '1700000000.000200' };
    expect(addressOf('slack', { event: { type: 'reaction_added', user: 'U1', item } })?.data).toMatchObject({
      channelId: 'C0ABC',
      threadTs: '1700000000.000200',
    });
    const thread = { user_id: 'U1', channel_id: 'D0ABC', thread_ts: '1700000000.000300' };
    expect(addressOf('slack', { event: { type: 'assistant_thread_started', assistant_thread: thread } })?.data).toEqual(
      {
        channelId: 'D0ABC',
        threadTs: '1700000000.000300',
        userId: 'U1',
      },
    );
  });

  test('a bot is not answered', () => {
    expect(addressOf('slack', { event: { ...event, bot_id: 'B0BOT' } })).toBeUndefined();
  });

  test('a command is answered at its URL for half an hour from when it was signed, then in its channel', () => {
    const responseUrl = 'https://hooks.slack.com/commands/T0/1/x';
    const body = { command: '/ask', channel_id: 'C0ABC', user_id: 'U1', response_url: responseUrl };

    expect(addressOf('slack', body, { 'x-slack-request-timestamp': String(AT_MS / 1_000 - 60) })).toEqual({
      kind: 'slack',
      channel: 'hook',
      data: { responseUrl },
      expiresAt: AT_MS - 60_000 + 1_800_000,
      fallback: { kind: 'slack', channel: 'hook', data: { channelId: 'C0ABC', userId: 'U1' } },
    });
    expect(addressOf('slack', body)?.expiresAt).toBe(AT_MS + 1_800_000);
  });

  test('a button is answered in the thread of its message', () => {
    const body = {
      type: 'block_actions',
      response_url: 'https://hooks.slack.com/actions/x',
      channel: { id: 'C0ABC', name: 'general' },
      user: { id: 'U1' },
      message: { ts: '1700000000.000400', thread_ts: '1700000000.000100' },
    };

    expect(addressOf('slack', body)).toMatchObject({
      data: { threadTs: '1700000000.000100' },
      fallback: { data: { channelId: 'C0ABC', threadTs: '1700000000.000100', userId: 'U1' } },
    });
  });
});

describe('discord', () => {
  const id = String(BigInt(AT_MS - 1_420_070_400_000) << 22n);
  const body = { id, type: 2, application_id: '1', token: 't', channel_id: '2', data: { name: 'ask' } };

  test('a command is answered by its token for a quarter of an hour from when it was made, then in its channel', () => {
    expect(addressOf('discord', body)).toEqual({
      kind: 'discord',
      channel: 'hook',
      data: { applicationId: '1', token: 't', madeMs: AT_MS },
      expiresAt: AT_MS + 900_000,
      fallback: { kind: 'discord', channel: 'hook', data: { channelId: '2' } },
    });
  });

  test('a button is answered by another message than its own', () => {
    expect(addressOf('discord', { ...body, type: 3 })?.data).toMatchObject({ isFollowUp: true });
  });

  test.each([
    ['a ping', { ...body, type: 1 }],
    ['autocompletion', { ...body, type: 4 }],
    ['a webhook event', { version: 1, application_id: '1', type: 1, event: { type: 'APPLICATION_AUTHORIZED' } }],
  ])('%s has no answer that could come later', (_what, given) => {
    expect(addressOf('discord', given)).toBeUndefined();
  });
});

describe('mattermost', () => {
  test('a word that rang is answered in its thread', () => {
    expect(addressOf('mattermost', { channel_id: 'c', post_id: 'p', user_id: 'u', text: 'hi' })).toEqual({
      kind: 'mattermost',
      channel: 'hook',
      data: { channelId: 'c', rootId: 'p', userId: 'u' },
    });
  });

  test('a command is answered at its URL for half an hour, then in its channel', () => {
    const responseUrl = 'https://chat.example.com/hooks/commands/x';
    expect(addressOf('mattermost', { channel_id: 'c', trigger_id: 't', response_url: responseUrl })).toEqual({
      kind: 'mattermost',
      channel: 'hook',
      data: { responseUrl },
      expiresAt: AT_MS + 1_800_000,
      fallback: { kind: 'mattermost', channel: 'hook', data: { channelId: 'c' } },
    });
  });
});

describe('github', () => {
  interface Example {
    readonly issue?: { readonly number: number };
    readonly pull_request?: { readonly number: number };
    readonly repository?: { readonly full_name: string };
    readonly sender?: { readonly type: string };
    readonly discussion?: { readonly node_id: string };
    readonly comment?: { readonly node_id: string };
  }

  test('recorded deliveries are answered at their issue or pull request, where a person sent them', () => {
    let answered = 0;
    let discussed = 0;
    for (const { name, examples: deliveries } of examples as unknown as ReadonlyArray<{
      name: string;
      examples: Example[];
    }>) {
      for (const body of deliveries) {
        const number = body.issue?.number ?? body.pull_request?.number;
        if (body.discussion !== undefined) {
          const place = { repository: body.repository?.full_name, discussionId: body.discussion.node_id };
          const isByPerson = body.sender?.type !== 'Bot';
          const at = { ...place, ...(body.comment !== undefined && { discussionCommentId: body.comment.node_id }) };
          expect([name, addressOf('github', body)?.data]).toEqual([name, isByPerson ? at : undefined]);
          discussed += 1;
          continue;
        }
        const isExpected = number !== undefined && body.repository !== undefined && body.sender?.type !== 'Bot';
        const address = addressOf('github', body, { 'x-github-event': name });
        expect([name, address?.data['issue']]).toEqual([name, isExpected ? number : undefined]);
        if (address === undefined) continue;
        answered += 1;
        expect(address.data['repository']).toBe(body.repository?.full_name);
        expect(address.data['isReview']).toBe(name === 'pull_request_review_comment' ? true : undefined);
      }
    }
    expect(answered).toBeGreaterThan(50);
    expect(discussed).toBeGreaterThan(3);
  });

  test('our own comments are not answered, whoever’s account wrote them', () => {
    const body = {
      action: 'created',
      repository: { full_name: 'ada/engine' },
      issue: { number: 7 },
      comment: { id: 12, body: 'Hello\n\n<!-- wakebus:order.17~1@1.0 -->' },
      sender: { type: 'User' },
    };

    expect(addressOf('github', body)).toBeUndefined();
    expect(addressOf('github', { ...body, comment: { id: 12, body: 'Hello' } })?.data).toEqual({
      repository: 'ada/engine',
      issue: 7,
      commentId: 12,
    });
    expect(
      addressOf('github', { ...body, comment: { id: 12, body: 'Hello' }, sender: { type: 'Bot' } }),
    ).toBeUndefined();
  });
});
