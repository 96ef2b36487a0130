/**
 * Claims are honoured: where nothing goes wrong, nobody takes an agent from a node that holds it. The node is
 * asked, and gives it up by a commit of its own.
 */
import type { RunHistory, Violation } from './run-history.ts';

/** For runs in which every node lives and hears the others. */
export function checkTakeovers(history: RunHistory): Violation[] {
  return [...history.agents.values()].flatMap(({ key, writes }) =>
    writes.flatMap(({ record, revision }, i) => {
      const before = writes[i - 1]?.record?.lease.holder ?? '';
      const after = record?.lease.holder ?? '';
      return before === '' || after === '' || before === after
        ? []
        : [`${key}, revision ${revision}: ${after} takes it from ${before}, which lives and did not give it up`];
    }),
  );
}
