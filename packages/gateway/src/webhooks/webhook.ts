/** A webhook: who sends to it, how that is proved, and what its deliveries become. */
import type { Channel, ChannelKind } from '@wakebus/channels';
import { WakebusError } from '@wakebus/protocol';
import type { IncomingDelivery } from './incoming.ts';
import type { Mapping } from './mapping.ts';

/** How one kind of sender signs, names and greets. */
export interface Scheme {
  /** Why the sender is not believed; nothing when it is. In constant time. */
  fault(incoming: IncomingDelivery, proof: Proof): string | undefined;
  /** What is answered to a greeting, in place of taking it for a delivery. */
  greeting?(incoming: IncomingDelivery): Response | undefined;
  /** What was delivered: mostly one thing. @throws {WakebusError} `INVALID_PAYLOAD`. */
  read(incoming: IncomingDelivery): readonly ReadDelivery[];
  /** What is answered once all is stored. @default 202 and how many */
  accepted?(incoming: IncomingDelivery): Response;
  /** The service by which its deliveries can be answered. @default none */
  readonly channel?: ChannelKind;
}

/** What a signature is held to. */
export interface Proof {
  /** Any of them may have signed: two during a rotation. */
  readonly secrets: readonly string[];
  readonly nowMs: number;
  /** How far a signed time may be from now, in milliseconds. */
  readonly toleranceMs: number;
}

/** One thing that was delivered. */
export interface ReadDelivery {
  /** The sender's own ID of it: the same when it is sent again. */
  readonly id: string;
  readonly body: unknown;
}

/** What may be said of a webhook. */
export interface Webhook {
  readonly scheme: Scheme;
  /** Any of them may sign: give both during a rotation. For Discord, public keys. */
  readonly secrets: readonly string[];
  readonly map: Mapping;
  /** How far a signed time may be from now, in milliseconds. @default 300,000 – five minutes, as Slack and Standard Webhooks say */
  readonly toleranceMs?: number;
  /** Its events carry `replyTo`, the address to answer at, where the delivery has one. @default false – it would be a field that a schema does not know */
  readonly replyTo?: boolean;
  /** Shows that the agent is waking up, by this channel, when that takes more than 700 ms. It goes with `replyTo`. @default nothing is shown */
  readonly notice?: Channel;
}

/** Five minutes. */
export const DEFAULT_TOLERANCE_MS = 300_000;

/** What is wrong with how a webhook was given. */
export function invalidWebhook(name: string, why: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option: `webhooks.${name.slice(0, 80)}`, why });
}
