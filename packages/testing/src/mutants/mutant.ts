/**
 * A mutant: the runtime with one promise taken out of its sources. A checker that does not see the difference
 * proves nothing about the promise.
 */
import type { RunSettings } from '../runs/run-settings.ts';

/** A change of one source file. The text must stand there exactly once: a mutant that changes nothing would prove nothing. */
export interface Edit {
  /** Below `packages/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** The rule of the design that it breaks. */
  readonly rule: string;
  /** What it does wrong, in a few words; its name. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** What shows it: a workload, and what differs from the default run. */
  readonly run: Omit<RunSettings, 'seed'>;
  /** A part of the sentence with which a check says so. */
  readonly shows: string;
  /** It is seen within a few seeds: `npm test` hunts it too. @default false */
  readonly quick?: boolean;
}

/** Seeds within which a mutant must be seen. */
export const MOST_SEEDS = 2_000;
