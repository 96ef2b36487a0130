/** The part of the table of errors that looking back gives: history, and kept snapshots; `errors.ts` has the rest. */
import type { ErrorSpec } from './error-spec.ts';

/** The facts that they carry, by code. */
export interface HistoryFacts {
  NOT_IN_HISTORY: { target: string };
  SNAPSHOT_NOT_FOUND: { address: string; snapshot: string };
  SNAPSHOT_IN_CHUNKS: { address: string; sizeBytes: number };
}

export const historyErrors: { readonly [C in keyof HistoryFacts]: ErrorSpec<HistoryFacts[C]> } = {
  NOT_IN_HISTORY: {
    next: 'terminal',
    message: (f) =>
      `History has nothing of "${f.target}": it never happened, or is older than the history stream keeps (7 days), or history is switched off.`,
  },
  SNAPSHOT_NOT_FOUND: {
    next: 'terminal',
    message: (f) =>
      `There is no snapshot "${f.snapshot}" of ${f.address}: it was removed, or is older than its agent type keeps them.`,
  },
  SNAPSHOT_IN_CHUNKS: {
    next: 'terminal',
    message: (f) =>
      `The state of ${f.address} has ${f.sizeBytes} bytes and is in the object store, which this program does not read. Use "wakebus snapshots".`,
  },
};
