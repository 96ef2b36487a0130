/**
 * Which faults strike, how often, and at which step each one did.
 *
 * Rates are probabilities per occasion: an operation, a delivery, a step. Nothing strikes while
 * `active` is false, so that a run can end with a time in which everything must heal.
 */
import type { ServerFault } from '../memory/environment.ts';
import type { Prng } from './prng.ts';

/** Faults of messages and of the server, struck one by one. */
type OperationFault =
  | ServerFault
  | 'requestLost'
  | 'replyLost'
  | 'replyLate'
  | 'lateWrite'
  | 'delayed'
  | 'staleRead'
  | 'staleFresh'
  | 'duplicate';
/** Faults of whole processes, of durable consumers, and of the streams' leader. */
export type Disaster = 'crash' | 'pause' | 'cut' | 'clockJump' | 'serverRestart' | 'consumerLost' | 'leaderLost';
export type FaultName = OperationFault | Disaster;

/** Probability of each fault per occasion; what is not named does not happen. */
export type FaultRates = Readonly<Partial<Record<FaultName, number>>>;

/** Bounds of what strikes. */
export interface FaultBounds {
  /** From how many changes ago a stale read may be answered. @default 8 */
  readonly staleDepth: number;
  /** How much later a late or delayed operation arrives at most, in milliseconds. @default 3,000 */
  readonly delayMs: number;
  /** How long nodes and servers are away, in milliseconds, from and to. @default 50 to 15,000: shorter and longer than a lease */
  readonly awayMs: readonly [from: number, to: number];
  /** How long the streams are without a leader, in milliseconds, from and to. @default 100 to 6,000: as measured on three servers */
  readonly electionMs: readonly [from: number, to: number];
  /** How far a wall clock may jump, in milliseconds, either way. @default 60,000 */
  readonly clockJumpMs: number;
  /** Nodes that are away at the same time, at most. @default 1 */
  readonly awayAtOnce: number;
}

const DEFAULT_BOUNDS: FaultBounds = {
  staleDepth: 8,
  delayMs: 3_000,
  awayMs: [50, 15_000],
  electionMs: [100, 6_000],
  clockJumpMs: 60_000,
  awayAtOnce: 1,
};
/** Strikes whose steps are kept, of each fault. */
const KEPT_STEPS = 10_000;

/** A rough day: every fault, often enough that a run of some thousand steps meets most of them. */
export const ROUGH: FaultRates = {
  requestLost: 0.01,
  replyLost: 0.01,
  replyLate: 0.01,
  lateWrite: 0.005,
  delayed: 0.02,
  staleRead: 0.05,
  spill: 0.05,
  deliveryLost: 0.01,
  redeliver: 0.01,
  overtaken: 0.2,
  full: 0.002,
  writeInFlight: 0.5,
  ttlLate: 0.5,
  scheduleLate: 0.5,
  plainLost: 0.02,
  duplicate: 0.05,
  crash: 0.0003,
  pause: 0.0003,
  cut: 0.0001,
  serverRestart: 0.00005,
  clockJump: 0.0002,
  consumerLost: 0.00005,
  leaderLost: 0.0001,
};

export class Faults {
  readonly bounds: FaultBounds;
  /** At which steps each fault struck. */
  readonly strikes: Map<FaultName, number[]> = new Map();
  active: boolean = true;
  rates: FaultRates;
  readonly #prng: Prng;
  readonly #step: () => number;

  constructor(prng: Prng, step: () => number, rates: FaultRates = {}, bounds: Partial<FaultBounds> = {}) {
    this.#prng = prng;
    this.#step = step;
    this.rates = rates;
    this.bounds = { ...DEFAULT_BOUNDS, ...bounds };
  }

  /** Whether a fault strikes on this occasion; a strike is counted. */
  hits(fault: FaultName): boolean {
    const rate = this.rates[fault];
    if (rate === undefined || !this.active || !this.#prng.chance(rate)) return false;
    this.count(fault);
    return true;
  }

  /** Counts a strike that was decided elsewhere. */
  count(fault: FaultName): void {
    const steps = this.strikes.get(fault);
    if (steps === undefined) this.strikes.set(fault, [this.#step()]);
    else if (steps.length < KEPT_STEPS) steps.push(this.#step());
  }

  /** Strikes of all faults. */
  get total(): number {
    let total = 0;
    for (const steps of this.strikes.values()) total += steps.length;
    return total;
  }

  /** How often a fault has struck. */
  struck(fault: FaultName): number {
    return this.strikes.get(fault)?.length ?? 0;
  }
}
