/**
 * One commit of a record, and how its writer learns whether it happened.
 *
 * Only a confirmation, or a read that shows this very commit, is success. Anything else may have
 * been applied: the same bytes are offered again at the same revision, which cannot double them.
 */
import { type AgentKey, decodeRecord, isWakebusError } from '@wakebus/protocol';
import type { UnansweredCommit } from './health.ts';
import { type Clock, delay } from './ports/clock.ts';
import type { RecordStore } from './ports/record-store.ts';

/** `lost`: another's commit, or the right to act, came in between. The session's memory is worthless then. */
export type CommitOutcome = { readonly kind: 'committed'; readonly revision: number } | { readonly kind: 'lost' };

export interface CommitRequest {
  readonly key: AgentKey;
  readonly bytes: Uint8Array;
  readonly commit: string;
  readonly expectedRevision: number;
}

export interface CommitPorts {
  readonly agents: RecordStore;
  readonly clock: Clock;
  /** Called once, when a first answer did not come. */
  readonly onUnanswered: () => UnansweredCommit;
  /** Whether this node's lease lives. */
  readonly mayAct: () => boolean;
  /** `false` only where a proof needs to see what happens without the fence. */
  readonly fenced: boolean;
}

/** Between two tries, in milliseconds, doubling to the last. */
const RETRY_MS = [20, 50, 100, 250, 500, 1_000] as const;

/** Commits, however often it takes, until it is confirmed or lost. */
export async function commitRecord(ports: CommitPorts, request: CommitRequest): Promise<CommitOutcome> {
  if (!ports.fenced) return commitUnfenced(ports, request);
  let unanswered: UnansweredCommit | undefined;
  try {
    for (let round = 0; ports.mayAct(); round += 1) {
      const outcome = await ports.agents.put(request.key, request.bytes, request.expectedRevision);
      if (outcome.kind === 'stored') return { kind: 'committed', revision: outcome.revision };
      if (outcome.kind !== 'conflict') unanswered ??= ports.onUnanswered();
      if (outcome.kind !== 'full') {
        const settled = await readBack(ports, request, outcome.kind === 'conflict');
        if (settled !== undefined) return settled;
      }
      await delay(ports.clock, RETRY_MS[Math.min(round, RETRY_MS.length - 1)] as number);
    }
    return { kind: 'lost' };
  } finally {
    unanswered?.end();
  }
}

/**
 * What the store says of this commit; `undefined` while it shows neither it nor another. A refusal with less than
 * was expected to be there is no lag: the record has vanished, or an older one was restored in its place.
 */
async function readBack(
  ports: CommitPorts,
  request: CommitRequest,
  isRefused: boolean,
): Promise<CommitOutcome | undefined> {
  try {
    const { bytes, revision } = await ports.agents.getFresh(request.key);
    if (isRefused && revision < request.expectedRevision) return { kind: 'lost' };
    if (revision <= request.expectedRevision) return undefined;
    if (bytes !== undefined && decodeRecord(request.key, bytes).commit === request.commit)
      return { kind: 'committed', revision };
    return { kind: 'lost' };
  } catch (thrown) {
    return isWakebusError(thrown, 'UNAVAILABLE') ? undefined : { kind: 'lost' };
  }
}

/** Overwrites whatever is there: the last writer wins, and what another node committed is gone. */
async function commitUnfenced(ports: CommitPorts, request: CommitRequest): Promise<CommitOutcome> {
  for (;;) {
    const { revision } = await ports.agents.getFresh(request.key);
    const outcome = await ports.agents.put(request.key, request.bytes, revision);
    if (outcome.kind === 'stored') return { kind: 'committed', revision: outcome.revision };
    await delay(ports.clock, RETRY_MS[0]);
  }
}
