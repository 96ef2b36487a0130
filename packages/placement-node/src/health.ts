/**
 * What keeps a placement node from doing its work, as far as it can tell by itself.
 *
 * A frozen stream answers nothing and refuses nothing: what shows it is commits that stay without an
 * answer, and then a lease that could not be renewed. Nothing is decided by this; operators are told.
 */
import { WakebusError, metric } from '@wakebus/protocol';
import type { Membership } from './membership.ts';
import type { NodeLog } from './node-context.ts';
import type { Clock } from './ports/clock.ts';
import type { Telemetry } from './telemetry.ts';

/** Something that an operator should look at. */
export interface HealthProblem {
  /** `COMMITS_UNANSWERED` or `LEASE_LOST`. */
  readonly code: WakebusError['code'];
  /** What to do. */
  readonly message: string;
  /** Since when, in milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** How a placement node is. */
export interface NodeHealth {
  readonly ok: boolean;
  readonly problems: readonly HealthProblem[];
}

/** A commit whose answer has not come. */
export interface UnansweredCommit {
  /** It is answered, or given up. */
  end(): void;
}

export class Health {
  readonly #clock: Clock;
  readonly #membership: Membership;
  readonly #telemetry: Telemetry;
  readonly #log: NodeLog;
  /** Monotonic time at which each began to wait; the oldest first. */
  readonly #unanswered = new Set<{ readonly sinceMs: number }>();

  constructor(clock: Clock, membership: Membership, telemetry: Telemetry, log: NodeLog) {
    this.#clock = clock;
    this.#membership = membership;
    this.#telemetry = telemetry;
    this.#log = log;
    telemetry.observe(metric.unansweredCommits, () => this.#unanswered.size);
    telemetry.observe(metric.healthy, () => (this.read().ok ? 1 : 0));
  }

  /** A commit of an agent of this type found no answer and goes on trying. Only the first of several is logged. */
  beginUnanswered(type: string): UnansweredCommit {
    this.#telemetry.timeouts.add(1, { type, phase: 'commit' });
    const entry = { sinceMs: this.#clock.monotonicMs() };
    this.#unanswered.add(entry);
    if (this.#unanswered.size === 1) this.#log.warn(this.#unansweredError().message, { code: 'COMMITS_UNANSWERED' });
    return { end: () => void this.#unanswered.delete(entry) };
  }

  /** How the node is now. */
  read(): NodeHealth {
    const problems = [this.#readUnanswered(), this.#readLease()].filter((problem) => problem !== undefined);
    return { ok: problems.length === 0, problems };
  }

  #readUnanswered(): HealthProblem | undefined {
    const [oldest] = this.#unanswered;
    return oldest === undefined ? undefined : this.#problem(this.#unansweredError(), oldest.sinceMs);
  }

  #readLease(): HealthProblem | undefined {
    if (this.#membership.mayAct()) return undefined;
    const { self, actedUntilMs } = this.#membership;
    return this.#problem(new WakebusError('LEASE_LOST', { nodeId: self.nodeId }), actedUntilMs);
  }

  #unansweredError(): WakebusError {
    return new WakebusError('COMMITS_UNANSWERED', { commits: this.#unanswered.size });
  }

  #problem({ code, message }: WakebusError, sinceMonotonicMs: number): HealthProblem {
    const agoMs = this.#clock.monotonicMs() - sinceMonotonicMs;
    return { code, message, sinceMs: this.#clock.wallMs() - (Number.isFinite(agoMs) ? agoMs : 0) };
  }
}
