/**
 * How long the phases of an agent's life may take, and what is said when one takes longer.
 *
 * A turn and an effect have limits of their own (`limits.turnMs`, `effect({ timeoutMs })`), and a commit has
 * none: it is tried until it is answered, or the lease is gone.
 */
import { type AgentKey, WakebusError, addressOf, isWakebusError, splitKey } from '@wakebus/protocol';
import type { Lane } from './lane.ts';
import type { NodeContext } from './node-context.ts';
import { type ClockTimer, delay, within } from './ports/clock.ts';

/** A phase that a node bounds, and the limit that does. */
const limitOf = { wake: 'wakeMs', hydrate: 'hydrateMs', relay: 'relayMs', dehydrate: 'dehydrateMs' } as const;

export type BoundPhase = keyof typeof limitOf;

/**
 * Work that is a phase. What comes of it later is nobody's.
 *
 * @throws {WakebusError} `PHASE_TIMEOUT`; what the work throws in time.
 */
export async function inPhase<T>(context: NodeContext, key: AgentKey, phase: BoundPhase, work: Promise<T>): Promise<T> {
  let ended: { readonly value: T } | undefined;
  const watched = work.then((value) => {
    ended = { value };
    return value;
  });
  await within(context.ports.clock, watched, context.limits[limitOf[phase]]);
  watched.catch(() => {}); // Of the time after: it was not waited for.
  if (ended === undefined) throw phaseTimeout(context, key, phase);
  return ended.value;
}

/** A wake that fails stays in line for so long, in milliseconds: storage that answers nobody is not asked by all at once. */
const FAILED_MS = 250;

/** Wakes an agent when it is its turn: what many ask of a server at once, it answers to none in time. To stand in line is no part of the phase. */
export function wakeInLine<T>(
  context: NodeContext,
  { waking }: { readonly waking: Lane },
  key: AgentKey,
  wake: () => Promise<T>,
): Promise<T> {
  return waking.pass(async () => {
    try {
      return await inPhase(context, key, 'wake', wake());
    } catch (thrown) {
      await delay(context.ports.clock, FAILED_MS);
      throw thrown;
    }
  });
}

/** Counts a phase that has taken too long. @returns the error that says so. */
export function phaseTimeout(context: NodeContext, key: AgentKey, phase: BoundPhase): WakebusError<'PHASE_TIMEOUT'> {
  context.telemetry.timeouts.add(1, { type: splitKey(key).type, phase });
  const limit = limitOf[phase];
  return new WakebusError('PHASE_TIMEOUT', { address: addressOf(key), phase, limit, limitMs: context.limits[limit] });
}

/** Says that a session begins anew, because a step of it threw. */
export function reportRestart({ log }: NodeContext, key: AgentKey, thrown: unknown): void {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = isWakebusError(thrown) ? thrown.code : 'UNEXPECTED';
  log.warn(`the session of ${addressOf(key)} starts again: ${message}`, { agent: key, code });
}

/** How long an agent that is to sleep waits for what it owes. */
export class Patience {
  readonly #context: NodeContext;
  readonly #key: AgentKey;
  #untilMs: number | undefined;
  #timer: ClockTimer | undefined;

  constructor(context: NodeContext, key: AgentKey) {
    this.#context = context;
    this.#key = key;
  }

  /** Whether it has ended, counted from the first call; if not, `onEnd` is called when it has. */
  hasEnded(onEnd: () => void): boolean {
    const { limits, log, ports } = this.#context;
    const nowMs = ports.clock.monotonicMs();
    this.#untilMs ??= nowMs + limits.dehydrateMs;
    if (nowMs < this.#untilMs) {
      this.#timer ??= ports.clock.setTimer(this.#untilMs - nowMs, () => {
        this.#timer = undefined;
        onEnd();
      });
      return false;
    }
    const error = phaseTimeout(this.#context, this.#key, 'dehydrate');
    log.warn(error.message, { agent: this.#key, code: error.code });
    return true;
  }

  /** It does not wait now. */
  reset(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#untilMs = undefined;
  }
}
