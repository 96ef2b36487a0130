/** What all parts of one simulation share. */
import type { Faults } from './faults.ts';
import type { Prng } from './prng.ts';
import type { Scheduler } from './scheduler.ts';
import type { Actor } from './task.ts';

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
}
