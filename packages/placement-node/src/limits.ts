/**
 * How much one placement node takes on. Each limit bounds memory or time; none of them can lose a message.
 */
import { CHUNK_BYTES } from './objects/cut.ts';

export interface Limits {
  /** Sessions in memory; beyond, the least recently used idle ones sleep. @default 20,000 – some 200 MB of small agents. */
  readonly maxSessions: number;
  /** Bytes that paused agents may take, each counted as three times its state and 10,000 for the rest; beyond, those that were paused longest are stopped. @default 256 MiB – some 20,000 small agents, or a few with large states. */
  readonly pausedBytes: number;
  /** Bytes of queued payloads in memory; beyond, payloads are dropped and read again. @default 64 MiB. */
  readonly maxPayloadBytes: number;
  /** Turns that wait for their commit at once. @default 1,024 – past that the client's socket is the queue. */
  readonly maxTurnsInFlight: number;
  /** Agents that are woken at once; others wait in line. @default 64 – each asks the server for two or three things, and beyond 10,000 requests in hand a server drops them all. At 2 ms a wake that is 32,000 a second. */
  readonly maxWakesInFlight: number;
  /** Time within which `drain` ends, in milliseconds. @default 10,000 – a third of what orchestrators grant. */
  readonly drainMs: number;
  /** One turn takes events for at most so long, in milliseconds. @default 10 – others wait for the same thread. */
  readonly turnMs: number;
  /** A non-runnable agent's mailbox moves aside after so many messages. @default 1,000. */
  readonly holdAfterMessages: number;
  /** … or after so long, in milliseconds. @default 60,000. */
  readonly holdAfterMs: number;
  /** A living holder gets so long to give an agent up, in milliseconds. @default 300. */
  readonly releaseMs: number;
  /** Waking an agent may take so long, in milliseconds, its holder's answer included; then its messages are offered again. @default 30,000 – three leases: whatever held it is gone by then. */
  readonly wakeMs: number;
  /** Reading its record, mailbox and chunks may take so long of that, in milliseconds. @default 15,000 – an election takes 10 s. */
  readonly hydrateMs: number;
  /** After so long, in milliseconds, an operator hears of a message that could not be handed over. It is tried on. @default 8,000 – a leader is elected within ten tries. */
  readonly relayMs: number;
  /** An agent that is to sleep waits so long, in milliseconds, for what it owes to be handed over; then it leaves that in its record. @default 60,000 – a full inbox drains in that time, or not for hours. */
  readonly dehydrateMs: number;
  /** Effects that run at once; beyond, their agents wait in line. @default 256 – each may hold a socket and up to 256 KB of answer: some 64 MB at most. */
  readonly maxEffects: number;
  /** Repetitions of effects that may be started, for an agent type and a target, before anything succeeds; then one a second, and one for five successes. @default 100 – the AWS SDKs' figure. */
  readonly retryBudget: number;
  /** A resource of an effect may take so long to close, in milliseconds. @default 5,000 – a drain takes twice that, and what hangs for longer is gone. */
  readonly closeMs: number;
  /** A target whose attempts fail is left alone for so long at first, in milliseconds; doubles to five minutes. @default 5,000 – a restart of a service takes longer than one second, and rarely ten. */
  readonly breakerOpenMs: number;
  /** A snapshot longer than this, in bytes, is kept in chunks in the object store. @default 262,144 – a third of a record, and below what its metric warns of; under it, one write is cheaper than three. */
  readonly spillBytes: number;
  /** Wanted length of such a chunk, in bytes: a power of two. It has half of that at least and four times as much at most. @default 131,072 – a changed value costs some 200 KB, and a name of 32 bytes is nothing beside it. */
  readonly chunkBytes: number;
  /** What is due for so long, in milliseconds, and has not come, the audit takes for lost. @default 60,000 – schedules fire within seconds, also after a restart. */
  readonly overdueMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxSessions: 20_000,
  pausedBytes: 256 * 1024 * 1024,
  maxPayloadBytes: 64 * 1024 * 1024,
  maxTurnsInFlight: 1_024,
  maxWakesInFlight: 64,
  drainMs: 10_000,
  turnMs: 10,
  holdAfterMessages: 1_000,
  holdAfterMs: 60_000,
  releaseMs: 300,
  wakeMs: 30_000,
  hydrateMs: 15_000,
  relayMs: 8_000,
  dehydrateMs: 60_000,
  maxEffects: 256,
  retryBudget: 100,
  closeMs: 5_000,
  breakerOpenMs: 5_000,
  spillBytes: 256 * 1024,
  chunkBytes: CHUNK_BYTES,
  overdueMs: 60_000,
};
