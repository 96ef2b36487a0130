/**
 * The agents that are paused in this placement node: their states are in memory, within a budget, and nothing else.
 *
 * When the budget is spent, those that were paused longest are stopped. What a pause changes in a record is in
 * `record-changes.ts`; when there is one, in `session.ts`.
 */
import { type AgentKey, metric, splitKey } from '@wakebus/protocol';
import type { Limits } from './limits.ts';
import type { Telemetry } from './telemetry.ts';

/** What a paused agent takes besides its state, in bytes: session, activation and machine of a small agent, as measured. */
const FIXED_BYTES = 10_000;
/** A state in memory is there as its stored bytes, and decoded: some twice as much. */
const STATE_FACTOR = 3;

/** What is known of a session here. */
interface Pausable {
  readonly key: AgentKey;
  /** Bytes of its state, while it is paused. */
  readonly pausedBytes: number | undefined;
  sleep(): Promise<void>;
}

interface PausedContext {
  readonly limits: Pick<Limits, 'pausedBytes'>;
  readonly telemetry: Telemetry;
}

export class PausedSessions {
  readonly #context: PausedContext;
  /** With their bytes; the one that was paused longest first. */
  readonly #sessions = new Map<Pausable, number>();
  #sizeBytes = 0;

  constructor(context: PausedContext) {
    this.#context = context;
    context.telemetry.observe(metric.pausedSessions, () => this.#sessions.size);
    context.telemetry.observe(metric.pausedBytes, () => this.#sizeBytes);
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Takes note of a session that may have been paused, or is not any more. */
  look(session: Pausable): void {
    const { key, pausedBytes } = session;
    const isKnown = this.#sessions.has(session);
    if (isKnown === (pausedBytes !== undefined)) return;
    const { type } = splitKey(key);
    if (pausedBytes === undefined) {
      this.#forget(session);
      return this.#context.telemetry.pauses.add(1, { type, change: 'ended' });
    }
    const sizeBytes = FIXED_BYTES + STATE_FACTOR * pausedBytes;
    this.#sessions.set(session, sizeBytes);
    this.#sizeBytes += sizeBytes;
    this.#context.telemetry.pauses.add(1, { type, change: 'begun' });
    while (this.#sizeBytes > this.#context.limits.pausedBytes && this.stop(1) > 0);
  }

  /** Stops those that were paused longest. @returns how many. */
  stop(most: number): number {
    const chosen = [...this.#sessions.keys()].slice(0, Math.max(0, most));
    for (const session of chosen) {
      this.#forget(session);
      this.#context.telemetry.pauses.add(1, { type: splitKey(session.key).type, change: 'stopped' });
      void session.sleep();
    }
    return chosen.length;
  }

  #forget(session: Pausable): void {
    this.#sizeBytes -= this.#sessions.get(session) ?? 0;
    this.#sessions.delete(session);
  }
}
