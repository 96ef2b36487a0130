/**
 * What a memory server has stored, for {@link readHistory}.
 */
import { type AgentKey, readIncident } from '@wakebus/protocol';
import type { MemoryServer } from '../memory/memory-server.ts';
import type { StoredAgent } from './run-history.ts';

/** Every agent that a memory server ever had a record of. */
export function memoryAgents(server: MemoryServer): StoredAgent[] {
  return server.agents.everyKey().map((name) => {
    const key = name as AgentKey;
    const parked = server.deadLetters.read(server.layout.deadLetterSubject(key), 1, Number.MAX_SAFE_INTEGER);
    return {
      key,
      writes: server.agents.writes(key),
      bytes: server.agents.get(key).bytes,
      deadLetters: parked.map(({ data }) => data),
    };
  });
}

/** IDs of the incidents that a memory server has stored. */
export function toldIncidents({ incidents, layout }: MemoryServer): ReadonlySet<string> {
  const stored = incidents.read(layout.incidentsFilter(), 1, Number.MAX_SAFE_INTEGER);
  return new Set(stored.flatMap(({ data }) => readIncident(data)?.id ?? []));
}
