/**
 * Where Discord is answered: an interaction by its token, for a quarter of an hour; after that in its channel, where
 * the bot is a member.
 */
import { given, textAt, wholeAt } from '../place.ts';
import type { DeliveryFacts, FoundAddress } from '../reply-address.ts';

const TOKEN_MS = 900_000;
/** IDs begin with the milliseconds since 2015, and have 22 bits of something else. */
const EPOCH_MS = 1_420_070_400_000n;
const ID_BITS = 22n;
const SNOWFLAKE = /^\d{15,20}$/;

const COMPONENT = 3;
/** Commands, components, modals. A ping and autocompletion have no answer that could come later. */
const ANSWERED: ReadonlySet<unknown> = new Set([2, COMPONENT, 5]);

export function discordAddress({ body, atMs }: DeliveryFacts): FoundAddress | undefined {
  const type = wholeAt(body, 'type');
  const [applicationId, token] = [textAt(body, 'application_id'), textAt(body, 'token')];
  if (!ANSWERED.has(type) || applicationId === undefined || token === undefined) return undefined;
  const channelId = textAt(body, 'channel_id');
  const madeMs = madeAt(textAt(body, 'id'), atMs);
  return {
    kind: 'discord',
    // The original response to a component is the message that it stands in: an answer is another one.
    data: given({ applicationId, token, madeMs, isFollowUp: type === COMPONENT ? true : undefined }),
    expiresAt: madeMs + TOKEN_MS,
    ...(channelId !== undefined && { fallback: { kind: 'discord', data: { channelId } } }),
  };
}

function madeAt(id: string | undefined, atMs: number): number {
  return id !== undefined && SNOWFLAKE.test(id) ? Number((BigInt(id) >> ID_BITS) + EPOCH_MS) : atMs;
}
