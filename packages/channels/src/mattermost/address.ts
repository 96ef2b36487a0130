/** Where Mattermost is answered: outgoing webhooks in their thread; slash commands at their response URL, for half an hour. */
import { given, textAt } from '../place.ts';
import type { DeliveryFacts, FoundAddress } from '../reply-address.ts';

/** A response URL takes five messages within half an hour. */
const RESPONSE_URL_MS = 1_800_000;

export function mattermostAddress({ body, atMs }: DeliveryFacts): FoundAddress | undefined {
  const channelId = textAt(body, 'channel_id');
  const rootId = textAt(body, 'root_id') ?? textAt(body, 'post_id');
  const place: FoundAddress | undefined =
    channelId === undefined
      ? undefined
      : { kind: 'mattermost', data: given({ channelId, rootId, userId: textAt(body, 'user_id') }) };
  const responseUrl = textAt(body, 'response_url');
  if (responseUrl === undefined) return place;
  return {
    kind: 'mattermost',
    data: { responseUrl },
    expiresAt: atMs + RESPONSE_URL_MS,
    ...(place !== undefined && { fallback: place }),
  };
}
