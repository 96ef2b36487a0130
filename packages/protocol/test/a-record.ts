/** A record as a test wants it. */
import { type AgentRecord, agentKey } from '../src/mod.ts';

/** Whose the records are. */
export const key = agentKey('order', '17');

/** A small record of an agent asleep, but for what is changed. */
export function aRecord(changes: Partial<AgentRecord> = {}): AgentRecord {
  return {
    format: 1,
    incarnation: 1,
    inbox: 'inbox-1',
    machineVersion: 1,
    lifecycle: { name: 'asleep', sinceMs: 5 },
    lease: { holder: '', epoch: 3 },
    cursor: 12,
    cursorMs: 3,
    snapshot: new Uint8Array([1, 2, 3]),
    commit: 'c-1',
    turns: 4,
    bornMs: 1,
    updatedMs: 5,
    generation: 2,
    timers: [],
    outbox: [],
    maybe: [],
    settled: true,
    peers: new Map(),
    seen: [],
    early: [],
    replies: [],
    journal: [],
    ...changes,
  };
}
