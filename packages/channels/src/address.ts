/**
 * Where an answer goes: an address that a webhook's delivery brings, which travels in the event and waits in the
 * agent's state for as long as it takes.
 *
 * It holds no credentials of ours; whoever sends has them, under the channel's name. Some addresses are capabilities
 * of their own for a while (Discord's interaction tokens, response URLs): who reads the event may answer.
 */
import { WakebusError } from '@wakebus/protocol';

/** The services that can be answered on. */
export const channelKinds = ['telegram', 'slack', 'discord', 'mattermost', 'github'] as const;

export type ChannelKind = (typeof channelKinds)[number];

/** An address to answer at. */
export interface ChannelAddress {
  readonly kind: ChannelKind;
  /** Under which name the credentials are found: the name of the webhook that the event came by. */
  readonly channel: string;
  /** The place in the service's own terms. */
  readonly data: Readonly<Record<string, unknown>>;
  /** When it is good no more, in milliseconds since the epoch. @default never */
  readonly expiresAt?: number;
  /** Where the answer goes when this one is good no more, perhaps on another channel. @default nowhere */
  readonly fallback?: ChannelAddress;
}

/** The longest chain of fallbacks. */
const MOST_FALLBACKS = 4;

/**
 * An address and its fallbacks, in their order. Events come from outside: what they hold is checked.
 *
 * @throws {WakebusError} `INVALID_OPTION`.
 */
export function chainOf(value: unknown): readonly ChannelAddress[] {
  const chain: ChannelAddress[] = [];
  let next = value;
  while (next !== undefined) {
    if (!isAddress(next) || chain.length > MOST_FALLBACKS)
      throw new WakebusError('INVALID_OPTION', {
        option: `to${'.fallback'.repeat(chain.length)}`,
        why: `write an address as events carry it in "replyTo", with at most ${MOST_FALLBACKS} fallbacks`,
      });
    chain.push(next);
    next = next.fallback;
  }
  if (chain.length > 0) return chain;
  throw new WakebusError('INVALID_OPTION', { option: 'to', why: 'write the address to answer at' });
}

function isAddress(value: unknown): value is ChannelAddress {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, channel, data, expiresAt } = value as Partial<ChannelAddress>;
  return (
    (channelKinds as readonly unknown[]).includes(kind) &&
    typeof channel === 'string' &&
    typeof data === 'object' &&
    data !== null &&
    (expiresAt === undefined || Number.isFinite(expiresAt))
  );
}
