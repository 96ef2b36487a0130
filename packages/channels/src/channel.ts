/** What a channel is: one account at one service, by which answers go out. */
import type { ChannelKind } from './address.ts';

/** A message on its way out. */
export interface ChannelMessage {
  readonly text: string;
  /** The message's own name, the same in every attempt: what a repetition is recognized by, where the service can. */
  readonly key: string;
  readonly signal: AbortSignal;
}

/** A message that has arrived. */
export interface SentMessage {
  /** As the service names it; some addresses give none. */
  readonly messageId?: string;
}

/** One account at one service. */
export interface Channel {
  readonly kind: ChannelKind;
  /** The longest text of one message, in UTF-16 code units: no service counts more of them. */
  readonly textLimit: number;
  /**
   * Sends to a place, when its turn has come.
   *
   * @throws {AddressGone} when the address is good no more. {@link MaybeSent} when nobody knows whether it was sent.
   * @throws {WakebusError} nothing was sent: `INVALID_OPTION`, `CHANNEL_REFUSED`, `CHANNEL_BUSY`, `UNAVAILABLE`.
   */
  send(data: unknown, message: ChannelMessage): Promise<SentMessage>;
  /**
   * Looks whether a message has arrived.
   *
   * @returns `undefined` when it has not, and will not.
   * @throws {@link CannotTell} where the service cannot be asked. {@link MaybeSent} when it did not answer.
   */
  find(data: unknown, message: ChannelMessage): Promise<SentMessage | undefined>;
  /**
   * Shows at a place that somebody is waking up, by the service's own means. Not paced: it is worth no wait.
   *
   * @returns `undefined` where the service has no such means for this place.
   * @throws as {@link Channel.send}.
   */
  notify(data: unknown, signal: AbortSignal): Promise<ShownNotice | undefined>;
  /** Tries the credentials by the cheapest question there is. @throws as {@link Channel.send}. */
  check(signal: AbortSignal): Promise<ChannelAccount>;
}

/** Who the credentials are for. */
export interface ChannelAccount {
  readonly name: string;
}

/** A notice that stands. Most go by themselves, so that none stays when whoever has shown it dies. */
export interface ShownNotice {
  /** When it is to be shown again, in milliseconds, or it is gone. @default it stays */
  readonly againMs?: number;
  /** Takes it away. @default it goes by itself, or with the answer */
  readonly clear?: (signal: AbortSignal) => Promise<void>;
}

/** A secret, or what gets it: tokens that are renewed are asked for at each use. */
export type Secret = string | (() => string | Promise<string>);

/** The address is used up or has expired at the service. Nothing was sent. */
export class AddressGone extends Error {
  override readonly name = 'AddressGone';
}

/** Nobody knows whether it was sent. The code is what effects say this by. */
export class MaybeSent extends Error {
  override readonly name = 'MaybeSent';
  readonly code = 'EFFECT_MAYBE';
}

/** Whether it was sent is not to be found out, however often one asks. */
export class CannotTell extends Error {
  override readonly name = 'CannotTell';
}

/** The service takes no more for now. Nothing was sent. */
export class Busy extends Error {
  override readonly name = 'Busy';
  readonly retryMs: number;
  /** Whether it is the whole account that has to wait, or one place. */
  readonly isAccount: boolean;

  constructor(retryMs: number, isAccount: boolean) {
    super(`busy for ${retryMs} ms`);
    this.retryMs = retryMs;
    this.isAccount = isAccount;
  }
}
