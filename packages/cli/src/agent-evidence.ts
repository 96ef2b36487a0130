/** What is read about one agent to say what is wrong with it: its record, and what streams and leases hold for it. */
import type { AgentInspection, LivingNode } from '@wakebus/client';
import {
  type AgentKey,
  type HistoryEntry,
  type ParkedMessage,
  WakebusError,
  decode,
  parseAddress,
  splitKey,
} from '@wakebus/protocol';
import { consumerNames, portsOf, registeredTypes } from './census.ts';
import type { Session } from './session.ts';

/** Everything there is to go by. */
export interface AgentEvidence {
  readonly agent: AgentInspection;
  readonly nodes: readonly LivingNode[];
  readonly consumerIsThere: boolean;
  /** When its oldest waiting message was stored. */
  readonly oldestWaitingMs: number | undefined;
  /** Generations of timers that have a schedule. */
  readonly armed: ReadonlySet<string>;
  readonly deadLetters: { readonly count: number; readonly last: ParkedMessage | undefined };
  /** The newest commit in history. */
  readonly lastEntry: HistoryEntry | undefined;
  readonly nowMs: number;
}

/** Reads it. @throws {WakebusError} `AGENT_NOT_FOUND`, `RECORD_MISSING`, `INVALID_ADDRESS`, `UNAVAILABLE`. */
export async function readEvidenceOf(session: Session, address: string): Promise<AgentEvidence> {
  const key = parseAddress(address);
  const ports = portsOf(session);
  const { layout } = ports;
  const shard = layout.shardOf(layout.partitionOf(key));
  const agent = await session.client.inspect(address);
  if (agent === undefined) {
    const wasBorn = (await ports.births.last(layout.birthSubject(key))) !== undefined;
    throw new WakebusError(wasBorn ? 'RECORD_MISSING' : 'AGENT_NOT_FOUND', { address });
  }
  const [nodes, schedules, waiting, deadLetters, lastEntry, consumerIsThere] = await Promise.all([
    session.client.nodes(),
    ports.timers[shard]?.subjects(layout.timersFilter(key)),
    ports.inboxes[shard]?.read(layout.mailboxFilter(key), agent.cursor + 1, 1),
    readDeadLetters(session, key),
    readLastEntry(session, key),
    hasConsumer(session, key),
  ]);
  return {
    agent,
    nodes,
    consumerIsThere,
    oldestWaitingMs: waiting?.[0]?.storedMs,
    armed: new Set([...(schedules?.keys() ?? [])].map((subject) => subject.slice(subject.lastIndexOf('.') + 1))),
    deadLetters,
    lastEntry,
    nowMs: Date.now(),
  };
}

async function readDeadLetters(session: Session, key: AgentKey): Promise<AgentEvidence['deadLetters']> {
  const { deadLetters, layout } = portsOf(session);
  const subject = layout.deadLetterSubject(key);
  const [counts, last] = await Promise.all([deadLetters.subjects(subject), deadLetters.last(subject)]);
  return { count: counts.get(subject) ?? 0, last: last && (decode(last.data) as ParkedMessage) };
}

async function readLastEntry(session: Session, key: AgentKey): Promise<HistoryEntry | undefined> {
  const { history, layout } = portsOf(session);
  const last = await history.last(layout.historySubject(key));
  return last && (decode(last.data) as HistoryEntry);
}

/** Whether the pool of the agent's type has a consumer for its partition. A type that was never run has no pool. */
async function hasConsumer(session: Session, key: AgentKey): Promise<boolean> {
  const ports = portsOf(session);
  const { type } = splitKey(key);
  const pool = (await registeredTypes(ports)).find((each) => each.type === type)?.pool;
  if (pool === undefined) return true;
  return (await consumerNames(session)).has(ports.layout.consumerName(pool, ports.layout.partitionOf(key)));
}
