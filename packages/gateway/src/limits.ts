/** How much a gateway takes on, each with its default and the reason for it. */
import { EVENT_LIMIT_BYTES, WakebusError } from '@wakebus/protocol';

export interface GatewayLimits {
  /** Body of one event, in bytes. @default 262,144 – the limit of an event */
  readonly bodyBytes: number;
  /** Body of a webhook delivery, in bytes; the event that is made of it is held to the limit of an event. @default 1,048,576 – GitHub's largest common payloads */
  readonly deliveryBytes: number;
  /** Body of a bulk send, in bytes. It is held in memory. @default 8,388,608 */
  readonly bulkBytes: number;
  /** Lines of a bulk send. @default 10,000 */
  readonly bulkLines: number;
  /** All headers of a request together, in bytes; only where the gateway has its own server. @default 16,384 – Node.js's own */
  readonly headerBytes: number;
  /** How long a request may take to arrive, in milliseconds. @default 15,000 */
  readonly arrivalMs: number;
  /** Longest wait for a reply that a caller may ask for, in milliseconds. @default 60,000 – proxies cut at about that */
  readonly waitMs: number;
  /** How long an event may take to be stored, in milliseconds. @default 10,000 – an election of a stream's leader takes up to 9 s */
  readonly storeMs: number;
  /** The same for a webhook delivery, all that comes of it together. @default 2,000 – senders give up after 3 s, and should hear 503 before */
  readonly deliveryStoreMs: number;
  /** Requests under way at a time. @default 2,000 */
  readonly requests: number;
  /** Calls that wait for a reply at a time. @default 1,000 */
  readonly waits: number;
  /** The same under one token. @default 200 – one caller must not take all */
  readonly waitsPerToken: number;
  /** Open event streams and WebSockets. @default 1,000 */
  readonly streams: number;
  /** How long a reader may leave what is sent to it unread, in milliseconds. @default 30,000 */
  readonly stalledMs: number;
  /** Requests a second under one token; as many again may come at once. @default none: a token's own rate is given when it is issued */
  readonly perToken: number;
  /** Requests a second from one address; as many again may come at once. @default none – behind a proxy all requests come from one */
  readonly perAddress: number;
  /** Refused tokens and signatures a second from one address, after which it is not listened to. @default 10 – a person mistypes less often */
  readonly failuresPerAddress: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  bodyBytes: EVENT_LIMIT_BYTES,
  deliveryBytes: 1_048_576,
  bulkBytes: 8_388_608,
  bulkLines: 10_000,
  headerBytes: 16_384,
  arrivalMs: 15_000,
  waitMs: 60_000,
  storeMs: 10_000,
  deliveryStoreMs: 2_000,
  requests: 2_000,
  waits: 1_000,
  waitsPerToken: 200,
  streams: 1_000,
  stalledMs: 30_000,
  perToken: Number.POSITIVE_INFINITY,
  perAddress: Number.POSITIVE_INFINITY,
  failuresPerAddress: 10,
};

/** The limits with their defaults. @throws {WakebusError} `INVALID_OPTION`. */
export function readLimits(given: Partial<GatewayLimits> = {}): GatewayLimits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw new WakebusError('INVALID_OPTION', { option: `limits.${name}`, why: 'there is no such limit' });
    if (value !== undefined && !(value > 0))
      throw new WakebusError('INVALID_OPTION', { option: `limits.${name}`, why: 'write a number above 0' });
  }
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(named) };
}
