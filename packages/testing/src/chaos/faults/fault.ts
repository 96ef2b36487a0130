/**
 * What a fault is, and what it is given to strike at.
 */
import type { Prng } from '../../simulation/prng.ts';
import type { AttachedClient, Cluster } from '../cluster.ts';
import type { RecordWatch } from '../record-watch.ts';
import type { Traffic } from '../traffic.ts';

/** Everything that runs while a fault strikes. */
export interface Stage {
  readonly cluster: Cluster;
  readonly clients: readonly AttachedClient[];
  /** A client whose own links no fault touches: it tells how long agents stand still. */
  readonly prober: AttachedClient;
  readonly watch: RecordWatch;
  readonly traffic: Traffic;
  readonly prng: Prng;
  /** Different for each fault of a run. */
  readonly name: string;
}

/** What a fault did. */
export interface Strike {
  /** The step at which it met its target; absent when it never did, and the fault then counts for nothing. */
  readonly met?: string;
  /** From the blow, or from the end of a cut, until what stood still went on, in milliseconds. */
  readonly recoverMs?: number;
  /** What it is that went on. */
  readonly recovers?: 'agents' | 'writers' | 'all';
  /** Promises that it saw broken by itself. The checker looks for the others. */
  readonly violations?: readonly string[];
  /** Placement nodes that ended without being told to, and the like: to be looked into. */
  readonly remarks?: readonly string[];
}

/** A kind of fault. */
export interface Fault {
  readonly kind: string;
  /** Whether it can be done here; otherwise why not. */
  readonly whyNot?: () => string | undefined;
  /** Done at most once in a run: it takes long. */
  readonly once?: boolean;
  strike(stage: Stage): Promise<Strike>;
}
