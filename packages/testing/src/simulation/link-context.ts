/** What all parts of one simulation share. */
import type { Operation } from '../memory/environment.ts';
import type { Faults } from './faults.ts';
import type { Prng } from './prng.ts';
import type { Scheduler } from './scheduler.ts';
import type { Actor } from './task.ts';

/** Hears of each request as it leaves a node. */
export type OnRequest = (node: string, operation: Operation<unknown>) => void;

export interface LinkContext {
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly prng: Prng;
  readonly server: Actor;
  /** Messages that a consumption asks for at once. */
  readonly stock: number;
  /** How long an operation waits for its answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Wall time of the start, in milliseconds since the epoch. */
  readonly epochMs: number;
  /** Whether the streams have no leader just now. */
  isLeaderless: boolean;
  /** Called for each request as it leaves a node. */
  onRequest: OnRequest | undefined;
}
