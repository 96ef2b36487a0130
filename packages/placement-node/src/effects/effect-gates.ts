/**
 * Whether an effect that is due may start: not while it is disabled, its target's breaker is open, or the budget
 * for repetitions is spent. What may not is parked in the agent's record, with a schedule; its agent goes on.
 *
 * What is known of targets and budgets is this node's own, and begins anew with it.
 */
import { type AgentKey, type JournalEntry, type ParkReason, metric, splitKey } from '@wakebus/protocol';
import type { Limits } from '../limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Telemetry } from '../telemetry.ts';
import { CircuitBreaker, type Verdict } from './circuit-breaker.ts';
import type { DisabledEffects } from './disabled-effects.ts';
import { RetryBudget } from './retry-budget.ts';

/** What is disabled is looked at again so often, in milliseconds: enabling it wakes its agents, and this is for when that is missed. */
const DISABLED_AGAIN_MS = 600_000;
/** Whatever the reason, no later than this, in milliseconds. What keeps a thing from starting may be over long before. */
const LONGEST_PARKED_MS = 60_000;
/** What is parked for a moment only would cost more than it is worth, in milliseconds. */
const SHORTEST_PARKED_MS = 200;

/** What keeps an effect from starting, and for how long, in milliseconds. */
export interface Shut {
  readonly by: ParkReason;
  readonly waitMs: number;
}

/** An attempt that has passed the gates. */
export interface Passage {
  /** It is over, or was not made at all. */
  end(verdict: Verdict): void;
}

interface GatesContext {
  readonly ports: { readonly clock: Clock; readonly random: Random };
  readonly limits: Pick<Limits, 'breakerOpenMs' | 'retryBudget'>;
  readonly telemetry: Telemetry;
}

export class EffectGates {
  readonly #context: GatesContext;
  readonly #disabled: DisabledEffects;
  readonly #breakers = new Map<string, CircuitBreaker>();
  /** By agent type and target. */
  readonly #budgets = new Map<string, RetryBudget>();

  constructor(context: GatesContext, disabled: DisabledEffects) {
    this.#context = context;
    this.#disabled = disabled;
    context.telemetry.observe(metric.openBreakers, () => this.openBreakers.length);
  }

  /** Targets whose breaker is not closed. */
  get openBreakers(): readonly string[] {
    return [...this.#breakers].filter(([, breaker]) => !breaker.isClosed).map(([target]) => target);
  }

  /** What keeps an effect from starting now, if anything. */
  shutFor(key: AgentKey, entry: JournalEntry): Shut | undefined {
    const { type } = splitKey(key);
    if (this.#disabled.has(type, entry.target)) return { by: 'disabled', waitMs: DISABLED_AGAIN_MS };
    const nowMs = this.#context.ports.clock.monotonicMs();
    const brokenMs = this.#breakers.get(entry.target)?.waitMs(nowMs) ?? 0;
    if (brokenMs > 0) return { by: 'breaker', waitMs: this.#spread(brokenMs) };
    const spentMs = isRepetition(entry) ? (this.#budgets.get(budgetName(type, entry))?.waitMs(nowMs) ?? 0) : 0;
    return spentMs > 0 ? { by: 'budget', waitMs: this.#spread(spentMs) } : undefined;
  }

  /** An effect starts that nothing keeps from it. */
  pass(key: AgentKey, entry: JournalEntry): Passage {
    const { clock } = this.#context.ports;
    const { limits } = this.#context;
    const { type } = splitKey(key);
    const nowMs = clock.monotonicMs();
    const breaker = ensure(this.#breakers, entry.target, () => new CircuitBreaker(limits.breakerOpenMs));
    const budget = ensure(this.#budgets, budgetName(type, entry), () => new RetryBudget(limits.retryBudget, nowMs));
    if (isRepetition(entry)) budget.spend(nowMs);
    const ticket = breaker.begin();
    return {
      end: (verdict) => {
        breaker.end(ticket, verdict, clock.monotonicMs());
        if (verdict === 'well') budget.refill();
      },
    };
  }

  /** All that waits for one moment must not come in it: full jitter, after the time that it must wait in any case. */
  #spread(waitMs: number): number {
    const mostMs = Math.min(LONGEST_PARKED_MS, Math.max(SHORTEST_PARKED_MS, waitMs));
    return Math.round(mostMs * (1 + this.#context.ports.random.fraction()));
  }
}

/** Asking what became of an effect, and undoing it, are repetitions to the target as well. */
function isRepetition({ attempt }: JournalEntry): boolean {
  return attempt > 0;
}

function budgetName(type: string, { target }: JournalEntry): string {
  return `${type} ${target}`;
}

function ensure<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name);
  if (known !== undefined) return known;
  const made = make();
  map.set(name, made);
  return made;
}
