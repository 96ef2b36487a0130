/**
 * Publishing into an inbox until it is stored: the same bytes under the same ID, again and again, so
 * that an answer that was lost costs time and never a second event.
 */
import { WakebusError } from '@wakebus/protocol';
import type { InboxFill } from './inbox-fill.ts';
import type { ClientClock, InboxPort, NotStored, PublishOutcome } from './ports.ts';

/** Pauses between tries, in milliseconds; the last one repeats. Short at first: most outages are a reconnect. */
const PAUSES_MS = [20, 50, 100, 250, 500, 1_000] as const;

/** One message on its way into an inbox. */
export interface Publication {
  /** For error messages: "The event greet to hello/ada". */
  readonly what: string;
  readonly id: string;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly options: Parameters<InboxPort['append']>[2];
  /** When to give up, in monotonic milliseconds. */
  readonly untilMs: number;
}

/** Where a message stands. */
export interface Stored {
  readonly seq: number;
  /** The inbox had it already, under this ID. */
  readonly duplicate: boolean;
}

/** An inbox with what is known of it. */
export interface InboxTarget {
  readonly inbox: InboxPort;
  readonly fill: InboxFill;
}

/**
 * Publishes and retries until the deadline.
 *
 * @throws {WakebusError} `INBOX_FULL`, `EVENT_TOO_LARGE`; `UNAVAILABLE` when surely nothing was stored, `OUTCOME_UNKNOWN` otherwise.
 */
export async function publishUntilStored(
  { inbox, fill }: InboxTarget,
  clock: ClientClock,
  publication: Publication,
): Promise<Stored> {
  const { subject, data, options, untilMs } = publication;
  for (let tries = 0, maybe = false; ; tries += 1) {
    const outcome = await within(clock, untilMs, inbox.append(subject, data, options));
    if (outcome.kind === 'stored') return outcome;
    if (outcome.kind === 'full' && !maybe) throw fill.refused();
    maybe ||= mayBeStored(outcome);
    const pauseMs = PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] as number;
    if (isClosed(outcome) || clock.monotonicMs() + pauseMs >= untilMs) throw giveUp(publication, maybe, outcome);
    await new Promise<void>((resolve) => {
      clock.setTimer(pauseMs, resolve);
    });
  }
}

/** An answer is waited for in any case; only close to the deadline a timer is worth its cost. */
const LONGEST_TRY_MS = 2_500;

function within(clock: ClientClock, untilMs: number, answer: Promise<PublishOutcome>): Promise<PublishOutcome> {
  const leftMs = untilMs - clock.monotonicMs();
  if (leftMs > LONGEST_TRY_MS) return answer;
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(Math.max(0, leftMs), () => resolve({ kind: 'unknown', cause: undefined }));
    answer.then(resolve, reject).finally(() => timer.cancel());
  });
}

function causeOf(outcome: PublishOutcome): unknown {
  return outcome.kind === 'unknown' ? outcome.cause : undefined;
}

function mayBeStored(outcome: PublishOutcome): boolean {
  const { why } = (causeOf(outcome) ?? {}) as Partial<NotStored>;
  return outcome.kind === 'unknown' && why !== 'no-responders' && why !== 'not-sent' && why !== 'closed';
}

function isClosed(outcome: PublishOutcome): boolean {
  return ((causeOf(outcome) ?? {}) as Partial<NotStored>).why === 'closed';
}

function giveUp({ what, id }: Publication, maybe: boolean, outcome: PublishOutcome): WakebusError {
  const options = { cause: causeOf(outcome) };
  if (maybe) return new WakebusError('OUTCOME_UNKNOWN', { what, id }, options);
  return new WakebusError('UNAVAILABLE', { what: 'The inbox' }, options);
}
