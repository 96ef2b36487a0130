/** Plain messages: at most once, to whoever listens now. Replies, forwarded doorbells, heartbeats, live events. */
import type { Headers } from '@wakebus/protocol';

export interface PlainMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Headers;
  /** Answers a request; does nothing for a message that asks for no answer. */
  respond(data: Uint8Array): void;
}

export interface Subscription {
  stop(): void;
}

export interface Messenger {
  publish(subject: string, data: Uint8Array, headers?: Headers): void;
  /** @returns `undefined` when nobody answers in time, at once when nobody listens. */
  request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array | undefined>;
  subscribe(subject: string, onMessage: (message: PlainMessage) => void): Subscription;
}
