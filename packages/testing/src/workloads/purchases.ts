/**
 * Purchases: agents whose effects write into a till outside of everything that breaks. The till keeps what
 * it was asked to do, so a double entry, and an entry that nobody was told about, is seen.
 *
 * Some effects go under a key that the till honours, some without any. The till refuses some, and answers
 * some so late that their time runs out.
 */
import type { EffectArgs, Lookup } from '@wakebus/core';
import { WakebusError } from '@wakebus/protocol';
import { checkRecords } from '../checker/check-records.ts';
import type { Prng } from '../simulation/prng.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { Actor } from '../simulation/task.ts';
import {
  type Purchase,
  PURCHASE_TIMEOUT_MS,
  REFUSED,
  type TillDesk,
  buyerAgent,
  drivePurchases,
} from './buyer-agent.ts';
import { type Begun, checkBegun, checkPurchases } from './purchases-check.ts';
import type { Workload } from './workload.ts';

/** The till is closed so often, and for so long, in milliseconds. */
const CLOSED_EVERY_MS = 9_000;
const CLOSED_FOR_MS = 1_500;
/** So low that effects wait for room, targets are left alone, and repetitions spend what they have. */
const LIMITS = { maxEffects: 3, retryBudget: 4, breakerOpenMs: 500 } as const;

/** What stands outside: it crashes never, and remembers all. */
class PurchaseTill implements TillDesk {
  /** How often each purchase was entered. */
  readonly entries: Map<string, number> = new Map();
  /** Every attempt that has begun to buy. */
  readonly begun: Begun[] = [];
  readonly #keys = new Set<string>();
  /** Requests so far. */
  #asked = 0;
  /** By purchase: what was asked before is void. */
  readonly #voidBefore = new Map<string, number>();
  readonly #simulation: Simulation;
  readonly #prng: Prng;
  readonly #actor = new Actor('till');

  constructor(simulation: Simulation, prng: Prng) {
    this.#simulation = simulation;
    this.#prng = prng;
  }

  /** Makes a purchase; a key that it knows makes no second one. */
  async buy({ input, idempotencyKey, attempt }: EffectArgs<Purchase>, isKeyed: boolean): Promise<string> {
    this.begun.push({ key: idempotencyKey, run: attempt, atMs: this.#simulation.server.nowMs() });
    this.#asked += 1;
    const number = this.#asked;
    if (this.#isClosed) throw new Error('the till is closed');
    await this.#wait(this.#prng.fraction() * 200);
    if (this.#prng.chance(0.1)) throw Object.assign(new Error('the till refuses'), { code: REFUSED });
    if (number < (this.#voidBefore.get(input.id) ?? 0)) throw new Error('the till was told otherwise');
    if (!isKeyed || !this.#keys.has(idempotencyKey)) this.entries.set(input.id, (this.entries.get(input.id) ?? 0) + 1);
    this.#keys.add(idempotencyKey);
    await this.#wait(this.#prng.chance(0.1) ? 2 * PURCHASE_TIMEOUT_MS : this.#prng.fraction() * 200);
    return 'entered';
  }

  async lookup({ input }: EffectArgs<Purchase>): Promise<Lookup<string>> {
    await this.#wait(this.#prng.fraction() * 200);
    if ((this.entries.get(input.id) ?? 0) > 0) return { happened: true, output: 'entered' };
    this.#void(input.id);
    return { happened: false };
  }

  async undo({ input }: EffectArgs<Purchase>): Promise<void> {
    await this.#wait(this.#prng.fraction() * 200);
    this.#void(input.id);
    const entered = this.entries.get(input.id) ?? 0;
    if (entered > 0) this.entries.set(input.id, entered - 1);
  }

  /** What was asked before of a purchase, and has not been done, will not be. */
  #void(id: string): void {
    this.#asked += 1;
    this.#voidBefore.set(id, this.#asked);
  }

  /** Now and then for a while: all who ask are sent away. */
  get #isClosed(): boolean {
    return this.#simulation.scheduler.nowMs % CLOSED_EVERY_MS < CLOSED_FOR_MS;
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#simulation.scheduler.postAfter(delayMs, { actor: this.#actor, label: 'till', run: resolve });
    });
  }
}

/** What may be changed about the buyers, so that a checker can be shown to see. */
export interface PurchasesOptions {
  /** How many buyers. @default 6 */
  readonly buyers?: number;
  /** Whether the till honours keys. @default true */
  readonly honoursKeys?: boolean;
}

/** The workload of buyers. */
export function purchases({ buyers = 6, honoursKeys = true }: PurchasesOptions = {}): Workload {
  let till: PurchaseTill | undefined;
  const open = (): PurchaseTill => {
    if (till === undefined) throw new WakebusError('UNAVAILABLE', { what: 'The till' });
    return till;
  };
  return {
    name: 'purchases',
    runtime: { limits: LIMITS },
    agents: [buyerAgent(open, honoursKeys)],
    drive: (driver) => {
      till = new PurchaseTill(driver.simulation, driver.prng);
      drivePurchases(driver, buyers);
    },
    check: (history) => [
      ...checkRecords(history),
      ...checkPurchases(history, open().entries),
      ...checkBegun(history, open().begun),
    ],
  };
}
