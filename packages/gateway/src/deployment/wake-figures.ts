/** What woke agents of late, and how long turns took: from the newest commits that history has. */
import type { PastCommit } from '@wakebus/client';
import type { Layout } from '@wakebus/protocol';

/** Figures of some commits. Times are milliseconds since the epoch. */
export interface WakeFigures {
  readonly commits: number;
  /** The first and the last commit; equal where there are less than two. */
  readonly fromMs: number;
  readonly toMs: number;
  /** First commits of sessions, by what woke them: `event`, `message`, `timer`, `effect`, `control`, `mailbox`. */
  readonly wakes: Readonly<Record<string, number>>;
  /** Events that a gate kept from their agents. */
  readonly gated: number;
  /** How long a turn took, in milliseconds; not there where no commit says it. */
  readonly turnMs?: { readonly p50: number; readonly p99: number };
}

/** @param commits - Oldest first. */
export function wakeFiguresOf(layout: Layout, commits: readonly PastCommit[]): WakeFigures {
  const wakes: Record<string, number> = {};
  for (const { wake } of commits) {
    if (wake === undefined) continue;
    // The subject of what woke the agent.
    const source = layout.readInboxSubject(wake)?.kind ?? 'mailbox';
    wakes[source] = (wakes[source] ?? 0) + 1;
  }
  const took = commits.flatMap(({ cost }) => cost?.turnMs ?? []).toSorted((a, b) => a - b);
  return {
    commits: commits.length,
    fromMs: commits[0]?.atMs ?? 0,
    toMs: commits.at(-1)?.atMs ?? 0,
    wakes,
    gated: commits.flatMap(({ events }) => events).filter(({ gate }) => gate !== undefined).length,
    ...(took.length > 0 && { turnMs: { p50: quantile(took, 0.5), p99: quantile(took, 0.99) } }),
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
