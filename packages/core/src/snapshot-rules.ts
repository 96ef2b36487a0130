/**
 * When an agent type keeps snapshots of its agents by itself, and for how long. Pure: whether one is due is seen
 * from the record before a commit and the one after it.
 */
import type { AgentRecord, SnapshotCause } from '@wakebus/protocol';

/** What may happen to an agent that is worth a snapshot. `removed`: as it was before. */
export type SnapshotOccasion = 'completed' | 'failed' | 'removed';

/** What an agent type may say of snapshots. */
export interface SnapshotOptions {
  /** After every so many turns. @default never */
  readonly everyTurns?: number;
  /** With the first turn of every such span of time, in milliseconds; the spans are those of the clock: 3,600,000 is once an hour in which it takes turns. @default never */
  readonly everyMs?: number;
  /** When this happens. @default none */
  readonly on?: readonly SnapshotOccasion[];
  /** How many of these an agent has, and for how long. What operators keep is not counted, and stays. @default 10, and 30 days: a monthly look still finds them */
  readonly keep?: { readonly count?: number; readonly maxAgeMs?: number };
}

/** {@link SnapshotOptions} with the defaults filled in. */
export interface SnapshotRules {
  readonly everyTurns: number | undefined;
  readonly everyMs: number | undefined;
  readonly on: readonly SnapshotOccasion[];
  readonly keep: { readonly count: number; readonly maxAgeMs: number };
}

export const snapshotOccasions: readonly SnapshotOccasion[] = ['completed', 'failed', 'removed'];

const DEFAULT_COUNT = 10;
const DEFAULT_MAX_AGE_MS = 2_592_000_000;

/** The options with their defaults. */
export function snapshotRulesOf(options: SnapshotOptions | undefined): SnapshotRules | undefined {
  if (options === undefined) return undefined;
  const { everyTurns, everyMs, on = [], keep = {} } = options;
  const { count = DEFAULT_COUNT, maxAgeMs = DEFAULT_MAX_AGE_MS } = keep;
  return Object.freeze({ everyTurns, everyMs, on: Object.freeze([...on]), keep: Object.freeze({ count, maxAgeMs }) });
}

/** Why a snapshot is due after a commit, if one is. */
export function snapshotDue(
  { everyTurns, everyMs, on }: SnapshotRules,
  before: AgentRecord,
  after: AgentRecord,
): SnapshotCause | undefined {
  const { name } = after.lifecycle;
  if (name === 'removed') return undefined;
  if (name !== before.lifecycle.name && isOccasion(name) && on.includes(name)) return name;
  if (after.turns === before.turns) return undefined;
  if (everyTurns !== undefined && after.turns % everyTurns === 0) return 'turns';
  const isLater = everyMs !== undefined && spanOf(before.updatedMs, everyMs) < spanOf(after.updatedMs, everyMs);
  return isLater ? 'time' : undefined;
}

/** The same of a commit whose writer may have died before it was kept; what came before it nobody knows any more. */
export function snapshotOwed({ everyTurns, on }: SnapshotRules, record: AgentRecord): SnapshotCause | undefined {
  const { name } = record.lifecycle;
  if (name === 'removed') return undefined;
  if (isOccasion(name) && on.includes(name)) return name;
  return everyTurns !== undefined && record.turns > 0 && record.turns % everyTurns === 0 ? 'turns' : undefined;
}

/** Whether an agent is to be kept before it is removed. */
export function isKeptBefore(rules: SnapshotRules | undefined, before: AgentRecord, after: AgentRecord): boolean {
  if (rules === undefined || before.lifecycle.name === 'removed') return false;
  return after.lifecycle.name === 'removed' && rules.on.includes('removed');
}

function isOccasion(name: AgentRecord['lifecycle']['name']): name is SnapshotOccasion {
  return snapshotOccasions.some((occasion) => occasion === name);
}

function spanOf(timeMs: number, everyMs: number): number {
  return Math.floor(timeMs / everyMs);
}
