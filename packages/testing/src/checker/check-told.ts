/**
 * Operators are told: at the end of a run there is an incident of whatever nobody goes on with by itself.
 */
import { type IncidentKind, incidentId } from '@wakebus/protocol';
import type { AgentHistory, RunHistory, Violation } from './run-history.ts';

const STOPPED: Partial<Record<string, IncidentKind>> = {
  failed: 'failed',
  quarantined: 'quarantined',
  suspended: 'suspended',
};

/** Every dead letter, effect of which nobody knows, and agent that stands still without an operator's word is told. */
export function checkTold({ agents, told }: RunHistory): Violation[] {
  if (told === undefined) return [];
  return [...agents.values()].flatMap((agent) =>
    owed(agent)
      .filter((stem) => ![...told].some((id) => id.startsWith(stem)))
      .map((stem) => `${agent.key}: nobody was told of ${stem}`),
  );
}

/** How the IDs of what must have been told begin. */
function owed({ key, record, deadLetters }: AgentHistory): string[] {
  const letters = deadLetters.map(({ seq }) => incidentId('dead-lettered', key, `${seq}-`));
  if (record === undefined) return letters;
  const { journal, lifecycle } = record;
  const unsure = journal
    .filter(({ state }) => state === 'maybe')
    .map(({ attempt, generation, plannedMs }) => incidentId('maybe', key, `${plannedMs}-${generation}-${attempt}`));
  const kind = lifecycle.code === 'SUSPENDED' ? undefined : STOPPED[lifecycle.name];
  const stops = kind === undefined ? [] : [incidentId(kind, key, String(lifecycle.sinceMs))];
  return [...letters, ...unsure, ...stops];
}
