/**
 * What a deployment holds right now: agents by lifecycle, placement nodes, waiting messages, fill of
 * the inboxes. Read-only, and waking nobody.
 */
import type { AgentSummary } from '@wakebus/client';
import { type Ports, natsPorts, readRegistry } from '@wakebus/placement-node';
import { type AgentKey, type RegisteredType, decode, splitKey } from '@wakebus/protocol';
import type { Session } from './session.ts';

/** The streams and buckets of a session's deployment, for what no client shows. */
export function portsOf({ connection, client }: Session): Ports {
  return natsPorts(connection, client.layout);
}

/** A living placement node, as its lease says. */
export interface LivingNode {
  readonly nodeId: string;
  readonly pool: string;
  readonly types: Readonly<Record<string, number>>;
  readonly state: 'active' | 'draining';
  readonly startedMs: number;
}

/** Messages that wait for agents of one type. */
export interface PendingType {
  readonly messages: number;
  readonly agents: number;
}

/** Lifecycles in which an agent waits for an operator. */
export const needing: ReadonlySet<string> = new Set(['failed', 'suspended', 'quarantined']);
/** Agents that need someone are named up to this number. */
const MOST_NAMED = 20;

/** How many agents are so now, and those that need someone. */
export interface AgentCensus {
  readonly byLifecycle: Readonly<Record<string, number>>;
  readonly needing: readonly AgentSummary[];
  /** Agents with a timer that should have fired a minute ago and has not. */
  readonly overdue: readonly AgentSummary[];
  /** Agents with an effect of which nobody knows whether it happened. */
  readonly unsure: readonly AgentSummary[];
  /** Whether the counting ended at its limit. */
  readonly isCut: boolean;
}

/** A timer counts as overdue after so long, in milliseconds: schedules fire late by a quarter of a second, and a node may just be taking over. */
export const OVERDUE_AFTER_MS = 60_000;

/** Counts agents, up to a limit. */
export async function countAgents({ client }: Session, limit: number): Promise<AgentCensus> {
  const byLifecycle: Record<string, number> = {};
  const census = { needing: [] as AgentSummary[], overdue: [] as AgentSummary[], unsure: [] as AgentSummary[] };
  const overdueMs = Date.now() - OVERDUE_AFTER_MS;
  let cursor: string | undefined;
  let counted = 0;
  do {
    const page = await client.list({ pageSize: 1_000, ...(cursor !== undefined && { cursor }) });
    for (const agent of page.agents) {
      const { name } = agent.lifecycle;
      byLifecycle[name] = (byLifecycle[name] ?? 0) + 1;
      if (needing.has(name) && census.needing.length < MOST_NAMED) census.needing.push(agent);
      else if ((agent.nextWakeMs ?? Infinity) < overdueMs && census.overdue.length < MOST_NAMED)
        census.overdue.push(agent);
    }
    const unsure = page.agents.filter(({ effects = [] }) => effects.some(({ state }) => state === 'maybe'));
    census.unsure.push(...unsure.slice(0, MOST_NAMED - census.unsure.length));
    counted += page.agents.length;
    ({ cursor } = page);
  } while (cursor !== undefined && counted < limit);
  return { byLifecycle, ...census, isCut: cursor !== undefined };
}

/** Placement nodes whose leases live. */
export async function livingNodes(ports: Ports): Promise<LivingNode[]> {
  const keys = await ports.leases.keys('>');
  const values = await Promise.all(keys.map((key) => ports.leases.get(key)));
  return values.flatMap(({ bytes }) => (bytes === undefined ? [] : [decode(bytes) as LivingNode]));
}

/** Agent types that were ever started here. */
export function registeredTypes(ports: Ports): Promise<RegisteredType[]> {
  return readRegistry(ports.registry);
}

/** What waits, by agent type. */
export async function pendingByType(ports: Ports): Promise<Map<string, PendingType>> {
  const agents = new Map<string, { readonly keys: Set<string>; messages: number }>();
  for (const inbox of ports.inboxes) {
    for (const [subject, messages] of await inbox.subjects(ports.layout.inboxFilter())) {
      const key = ports.layout.readPending(subject)?.key;
      if (key === undefined) continue;
      const { type } = splitKey(key as AgentKey);
      const entry = agents.get(type) ?? { keys: new Set<string>(), messages: 0 };
      entry.keys.add(key);
      entry.messages += messages;
      agents.set(type, entry);
    }
  }
  return new Map([...agents].map(([type, { keys, messages }]) => [type, { messages, agents: keys.size }]));
}

/** Fill of each inbox, and of the front door of several, 0 to 1. */
export async function inboxFills(
  ports: Ports,
): Promise<ReadonlyArray<{ readonly stream: string; readonly fill: number; readonly messages: number }>> {
  const { frontDoor, inboxes, layout } = ports;
  const logs = inboxes.map((inbox, shard) => ({ stream: layout.inboxStream(shard), log: inbox }));
  if (frontDoor !== undefined) logs.push({ stream: layout.frontDoorStream, log: frontDoor });
  return Promise.all(
    logs.map(async ({ stream, log }) => {
      const { fill, messages } = await log.info();
      return { stream, fill, messages };
    }),
  );
}

/** Names of all consumers of the inboxes. The server answers in pages. */
export async function consumerNames({ connection, client }: Session): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (let shard = 0; shard < client.layout.shards; shard += 1) {
    const api = `$JS.API.CONSUMER.NAMES.${client.layout.inboxStream(shard)}`;
    for (let offset = 0, total = Infinity; offset < total;) {
      const answer = await connection.request(api, JSON.stringify({ offset }));
      const page = answer.json<{ readonly consumers?: readonly string[]; readonly total?: number }>();
      for (const name of page.consumers ?? []) names.add(name);
      offset += page.consumers?.length ?? 0;
      total = (page.consumers?.length ?? 0) === 0 ? 0 : (page.total ?? 0);
    }
  }
  return names;
}
