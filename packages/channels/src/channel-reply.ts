/**
 * `channelReply`: what `effect` takes to make answers of an agent.
 *
 * An attempt of which nobody knows is looked up where the service can be asked; where it cannot, the effect's policy
 * decides. This package knows no agents: it gives options, and the author's `effect` takes them.
 */
import { WakebusError, isWakebusError } from '@wakebus/protocol';
import { type ChannelAddress, chainOf } from './address.ts';
import { AddressGone, CannotTell, type Channel, MaybeSent, type SentMessage } from './channel.ts';
import { type ChannelClock, systemClock } from './pacer.ts';

/** What an effect that answers is given. */
export interface ChannelReplyInput {
  /** Where to: the event's `replyTo`, perhaps with a fallback of your own. */
  readonly to: ChannelAddress;
  readonly text: string;
}

/** A message that has arrived: the effect's output. */
export interface ChannelReceipt extends SentMessage {
  /** The channel that it went by; another than asked for when that was a fallback. */
  readonly channel: string;
}

/** What `effect` gives to the functions below, as far as they use it. */
interface ReplyArgs {
  readonly input: ChannelReplyInput;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/** The options of an effect that answers. */
export interface ChannelReply {
  readonly run: (args: ReplyArgs) => Promise<ChannelReceipt>;
  readonly dedupe: 'query';
  readonly lookup: (
    args: ReplyArgs,
  ) => Promise<{ readonly happened: true; readonly output: ChannelReceipt } | { readonly happened: false }>;
  readonly timeoutMs: number;
  readonly retry: { readonly attempts: number; readonly backoffMs: number };
  readonly isTargetFault: (error: unknown) => boolean;
  readonly isFinal: (error: unknown) => boolean;
}

/** Channels by the names of their webhooks. */
export type Channels = Readonly<Record<string, Channel>>;

/** A minute of waiting and half a minute of asking for each of two addresses, and room. */
const TIMEOUT_MS = 300_000;
/** Some forty minutes in all: the longest that services ask to wait is mostly an hour's rest of a quota. */
const ATTEMPTS = 10;
const BACKOFF_MS = 5_000;

/**
 * Makes the options of an effect that answers: `effect(channelReply({ support: telegram({ token }) }))`.
 *
 * @param channels - By the names of the webhooks whose events they answer.
 */
export function channelReply(channels: Channels, clock: ChannelClock = systemClock): ChannelReply {
  return {
    run: ({ input, idempotencyKey: key, signal }) => send(channels, clock, input, { key, signal }),
    dedupe: 'query',
    lookup: async ({ input, idempotencyKey: key, signal }) => {
      const output = await find(channels, input, { key, signal });
      return output === undefined ? { happened: false } : { happened: true, output };
    },
    timeoutMs: TIMEOUT_MS,
    retry: { attempts: ATTEMPTS, backoffMs: BACKOFF_MS },
    // A chat that is gone says nothing about the service; nor does one that asks for patience.
    isTargetFault: (error) => isWakebusError(error, 'UNAVAILABLE') || error instanceof MaybeSent,
    isFinal: (error) => error instanceof CannotTell || (isWakebusError(error) && error.next === 'terminal'),
  };
}

interface Attempt {
  readonly key: string;
  readonly signal: AbortSignal;
}

/** Sends to the first address that is still good. */
async function send(
  channels: Channels,
  clock: ChannelClock,
  { to, text }: ChannelReplyInput,
  attempt: Attempt,
): Promise<ChannelReceipt> {
  const chain = chainOf(to);
  for (const { channel, kind, data, expiresAt } of chain) {
    if (expiresAt !== undefined && expiresAt <= clock.nowMs()) continue;
    try {
      return { ...(await channelOf(channels, channel, kind).send(data, { text, ...attempt })), channel };
    } catch (error) {
      if (!(error instanceof AddressGone)) throw error;
    }
  }
  throw new WakebusError('CHANNEL_ADDRESS_EXPIRED', { channel: chain[0]?.channel ?? '' });
}

/** Looks at all of them: which one was tried is not known. One that does not answer now may later; then the others are asked again, too. */
async function find(
  channels: Channels,
  { to, text }: ChannelReplyInput,
  attempt: Attempt,
): Promise<ChannelReceipt | undefined> {
  const faults: unknown[] = [];
  for (const { channel, kind, data } of chainOf(to)) {
    try {
      const found = await channelOf(channels, channel, kind).find(data, { text, ...attempt });
      if (found !== undefined) return { ...found, channel };
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0) throw faults.find((fault) => !(fault instanceof CannotTell)) ?? faults[0];
  return undefined;
}

function channelOf(channels: Channels, name: string, kind: string): Channel {
  const channel = Object.hasOwn(channels, name) ? channels[name] : undefined;
  if (channel?.kind === kind) return channel;
  const known = Object.entries(channels).map(([each, { kind: its }]) => `${each} (${its})`);
  throw new WakebusError('CHANNEL_UNKNOWN', { channel: `${name} (${kind})`, known: known.join(', ') || 'none' });
}
