/**
 * Message schedules of one timers stream, and the way of what they fire into the inbox.
 *
 * A schedule is a stored message: one a subject, listed by reading, cancelled by purging. What fires
 * is kept under its target and sourced, in order; a full inbox holds it back without losing it.
 */
import type { Headers } from '@wakebus/protocol';
import type { AppendOptions, AppendOutcome, StoredMessage } from '@wakebus/placement-node';
import type { ServerEnvironment } from './environment.ts';
import type { MemoryStream } from './memory-stream.ts';
import { ttlHeader } from './stored-form.ts';
import { type SubjectTransform, subjectTransform } from './subjects.ts';

/** What the server adds to the time of a schedule at most, in milliseconds: as measured. */
const LATEST_FIRE_MS = 250;
/** How soon a full inbox, or a frozen stream, is tried again, in milliseconds. */
const RETRY_MS = 1_000;

/** A subject transform in the server's notation. */
type TransformText = Parameters<typeof subjectTransform>[0];

export class Schedules {
  readonly #timers: MemoryStream;
  readonly #inbox: MemoryStream;
  readonly #environment: ServerEnvironment;
  readonly #rename: SubjectTransform;
  readonly #transform: TransformText;
  /** The live schedule under each subject. */
  readonly #live = new Map<string, { readonly seq: number; readonly atMs: number }>();
  readonly #unsourced: StoredMessage[] = [];
  #sourcing = false;

  constructor(timers: MemoryStream, inbox: MemoryStream, transform: TransformText, environment: ServerEnvironment) {
    this.#timers = timers;
    this.#inbox = inbox;
    this.#transform = transform;
    this.#rename = subjectTransform(transform);
    this.#environment = environment;
    timers.listen({
      stored: (message) => this.#stored(message),
      removed: (seq, subject) => {
        if (this.#live.get(subject)?.seq === seq) this.#live.delete(subject);
      },
    });
  }

  /** Schedules that have not fired. */
  get pending(): number {
    return this.#live.size;
  }

  /** Whether a schedule is due by some wall time. */
  firesBy(atMs: number): boolean {
    for (const live of this.#live.values()) if (live.atMs <= atMs) return true;
    return false;
  }

  /** Fired messages that the inbox has not got yet. */
  get unsourced(): number {
    return this.#unsourced.length;
  }

  /** Appends to the timers stream; a schedule takes the place of the one under its subject. */
  append(subject: string, data: Uint8Array, options: AppendOptions): AppendOutcome {
    const { schedule } = options;
    if (schedule === undefined) return this.#timers.append(subject, data, options);
    const before = this.#live.get(subject);
    const outcome = this.#timers.append(subject, data, options);
    if (outcome.kind !== 'stored' || outcome.duplicate) return outcome;
    if (before !== undefined) this.#timers.remove(before.seq);
    this.#live.set(subject, { seq: outcome.seq, atMs: schedule.atMs });
    const lateMs = this.#environment.hits('scheduleLate') ? this.#environment.below(LATEST_FIRE_MS) : 0;
    this.#environment.after(Math.max(0, schedule.atMs - this.#environment.nowMs()) + lateMs, 'fire schedule', () =>
      this.#fire(subject, outcome.seq, schedule),
    );
    return outcome;
  }

  #fire(subject: string, seq: number, schedule: NonNullable<AppendOptions['schedule']>): void {
    if (this.#live.get(subject)?.seq !== seq) return;
    if (this.#timers.isFrozen) {
      this.#environment.after(RETRY_MS, 'fire schedule', () => this.#fire(subject, seq, schedule));
      return;
    }
    const { data = new Uint8Array(), headers = {} } = this.#timers.get(seq) ?? {};
    this.#timers.remove(seq);
    const fired = this.#timers.append(schedule.target, data, {
      headers: {
        ...withoutServerHeaders(headers),
        'Nats-Schedule-Next': 'purge',
        'Nats-Scheduler': subject,
        'Nats-TTL': ttlHeader(schedule.ttlMs),
      },
    });
    if (fired.kind === 'stored')
      this.#environment.after(schedule.ttlMs, 'expire fired message', () => this.#timers.remove(fired.seq));
  }

  #stored(message: StoredMessage): void {
    const target = this.#rename(message.subject);
    if (target === message.subject) return;
    const { src, dest } = this.#transform;
    const origin = `${this.#timers.name} ${message.seq} ${src} ${dest} ${message.subject}`;
    const headers = { ...message.headers, 'Nats-Stream-Source': origin };
    this.#unsourced.push({ ...message, headers, subject: target });
    this.#sourceIn(0);
  }

  #sourceIn(delayMs: number): void {
    if (this.#sourcing) return;
    this.#sourcing = true;
    this.#environment.after(delayMs, 'source into inbox', () => this.#source());
  }

  #source(): void {
    this.#sourcing = false;
    if (this.#inbox.isFrozen) return this.#sourceIn(RETRY_MS);
    for (let message = this.#unsourced[0]; message !== undefined; message = this.#unsourced[0]) {
      const outcome = this.#inbox.append(message.subject, message.data, { headers: message.headers });
      if (outcome.kind !== 'stored') return this.#sourceIn(RETRY_MS);
      this.#unsourced.shift();
    }
  }
}

function withoutServerHeaders(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('Nats-')));
}
