/**
 * The lifecycle: from one commit to the next, a record only goes where the lifecycle machine leads.
 *
 * Not every phase is written: a commit may hold a whole wake, from claim to sleep. So an edge is any way
 * through the phases between.
 */
import { type LifecycleEventType, type Phase, lifecycleMachine, nextPhase } from '@wakebus/core';
import type { AgentRecord } from '@wakebus/protocol';
import type { RunHistory, Violation } from './run-history.ts';

type Written = AgentRecord['lifecycle']['name'];

/** Phases through which a commit may pass without writing them. */
const PASSED: ReadonlySet<Phase> = new Set([
  'asleep',
  'waking.claiming',
  'waking.hydrating',
  'waking.resuming',
  'awake.running',
  'awake.idle',
  'dehydrating',
]);

/** Every change of a lifecycle is a way through {@link lifecycleMachine}; a removed agent lives again only as another. */
export function checkLifecycles(history: RunHistory): Violation[] {
  return [...history.agents.values()].flatMap(({ key, writes }) =>
    writes.flatMap(({ record: after, revision, by }, i) => {
      const before = writes[i - 1]?.record;
      if (before === undefined || after === undefined) return [];
      const wrong = wrongChange(before, after);
      return wrong === undefined ? [] : [`${key}, revision ${revision} by ${by}: ${wrong}`];
    }),
  );
}

function wrongChange(before: AgentRecord, after: AgentRecord): string | undefined {
  const [from, to] = [before.lifecycle.name, after.lifecycle.name];
  if (from === to) return undefined;
  if (!reachable(from).has(to)) return `its lifecycle goes from ${from} to ${to}`;
  const livesAgain = from === 'removed' && to !== 'quarantined' && to !== 'suspended';
  return livesAgain && after.incarnation <= before.incarnation
    ? `it was removed, and is ${to} in the same life`
    : undefined;
}

const known = new Map<Written, ReadonlySet<Written>>();

/** What a record may say next. */
function reachable(from: Written): ReadonlySet<Written> {
  const found = known.get(from) ?? search(from);
  known.set(from, found);
  return found;
}

function search(from: Written): ReadonlySet<Written> {
  const found = new Set<Phase>();
  const open: Phase[] = from === 'awake' ? ['awake.running', 'awake.idle'] : [from];
  for (let phase = open.pop(); phase !== undefined; phase = open.pop()) {
    for (const event of lifecycleMachine.events as readonly LifecycleEventType[]) {
      // No workload restores what has completed; where nobody asks for it, it must not happen.
      if (event === 'restore') continue;
      const next = nextPhase(phase, event);
      if (next === undefined || found.has(next)) continue;
      found.add(next);
      if (PASSED.has(next)) open.push(next);
    }
  }
  return new Set([...found].map((phase) => phase.split('.')[0] as Written));
}
