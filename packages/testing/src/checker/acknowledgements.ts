/**
 * "Ack last": a message may leave the inbox only when the record's durable cursor covers it.
 *
 * Watched while the run goes on, because the inbox remembers nothing; judged afterwards.
 */
import type { AgentKey } from '@wakebus/protocol';
import type { MemoryServer } from '../memory/memory-server.ts';
import type { RecordWrite, RunHistory, Violation } from './run-history.ts';

interface Removal {
  readonly key: AgentKey;
  readonly seq: number;
  /** Revision of the record when the message left. */
  readonly revision: number;
}

export class AcknowledgementWatch {
  readonly #removals: Removal[] = [];

  /** @param refused - Events that gates refuse at the door: nothing of them is in any record. */
  constructor(server: MemoryServer, refused: ReadonlySet<string> = new Set()) {
    for (const { inbox } of server.shards) {
      inbox.listen({
        removed: (seq, subject) => {
          const read = server.layout.readInboxSubject(subject);
          if (read === undefined || (read.kind === 'event' && refused.has(read.event))) return;
          const key = read.key as AgentKey;
          this.#removals.push({ key, seq, revision: server.agents.revision(key) });
        },
      });
    }
  }

  /** Messages that left while no record covered them. */
  check({ agents }: RunHistory): Violation[] {
    const cursors = new Map<AgentKey, Map<number, number>>();
    return this.#removals.flatMap(({ key, seq, revision }) => {
      const ofKey = cursors.get(key) ?? reachedBy(agents.get(key)?.writes ?? []);
      cursors.set(key, ofKey);
      const cursor = ofKey.get(revision) ?? 0;
      return seq <= cursor ? [] : [`${key}: message ${seq} left the inbox while the durable cursor was ${cursor}`];
    });
  }
}

/** How far a record's cursor had ever come by each revision. A removed agent's messages may all go. */
function reachedBy(writes: readonly RecordWrite[]): Map<number, number> {
  const reached = new Map<number, number>();
  let furthest = 0;
  for (const { revision, record } of writes) {
    const isGone = record === undefined || record.lifecycle.name === 'removed';
    furthest = Math.max(furthest, isGone ? Infinity : record.cursor);
    reached.set(revision, furthest);
  }
  return reached;
}
