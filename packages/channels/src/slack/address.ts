/** Where Slack is answered: events in their thread; commands and interactions at their response URL, for half an hour. */
import { fieldOf, given, textAt } from '../place.ts';
import type { DeliveryFacts, FoundAddress } from '../reply-address.ts';

/** A response URL takes five messages within half an hour. */
const RESPONSE_URL_MS = 1_800_000;
const SECONDS = /^\d{1,12}$/;

export function slackAddress({ body, header, atMs }: DeliveryFacts): FoundAddress | undefined {
  const event = fieldOf(body, 'event');
  if (event !== undefined) return ofEvent(event);
  const responseUrl = textAt(body, 'response_url');
  const fallback = ofInteraction(body);
  if (responseUrl === undefined) return fallback;
  const signedAt = header('x-slack-request-timestamp');
  const fromMs = SECONDS.test(signedAt) ? Number(signedAt) * 1_000 : atMs;
  return {
    kind: 'slack',
    data: given({ responseUrl, threadTs: threadOf(body) }),
    expiresAt: fromMs + RESPONSE_URL_MS,
    ...(fallback !== undefined && { fallback }),
  };
}

function ofEvent(event: unknown): FoundAddress | undefined {
  if (textAt(event, 'bot_id') !== undefined) return undefined;
  const thread = fieldOf(event, 'assistant_thread');
  const channelId = textAt(event, 'channel') ?? textAt(event, 'item', 'channel') ?? textAt(thread, 'channel_id');
  if (channelId === undefined) return undefined;
  const messageTs = textAt(event, 'ts') ?? textAt(event, 'item', 'ts') ?? textAt(thread, 'thread_ts');
  const threadTs = textAt(event, 'thread_ts') ?? messageTs;
  const userId = textAt(event, 'user') ?? textAt(thread, 'user_id');
  return { kind: 'slack', data: given({ channelId, threadTs, userId }) };
}

/** A slash command names its channel and user in one way, an interaction in another. */
function ofInteraction(body: unknown): FoundAddress | undefined {
  const channelId = textAt(body, 'channel_id') ?? textAt(body, 'channel', 'id');
  if (channelId === undefined) return undefined;
  const userId = textAt(body, 'user_id') ?? textAt(body, 'user', 'id');
  return { kind: 'slack', data: given({ channelId, threadTs: threadOf(body), userId }) };
}

function threadOf(body: unknown): string | undefined {
  return textAt(body, 'container', 'thread_ts') ?? textAt(body, 'message', 'thread_ts');
}
