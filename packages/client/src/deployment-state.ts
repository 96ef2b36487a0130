/** Who is at work in a deployment, and what waits for them. Looking wakes nobody. */
import { type AgentKey, decode, splitKey } from '@wakebus/protocol';
import type { ClientPorts } from './ports.ts';

/** A living placement node, as its lease says. */
export interface LivingNode {
  readonly nodeId: string;
  readonly pool: string;
  /** The version of each agent type that it runs. */
  readonly types: Readonly<Record<string, number>>;
  readonly state: 'active' | 'draining';
  readonly startedMs: number;
}

/** Messages that wait for agents of one type. */
export interface PendingType {
  readonly messages: number;
  readonly agents: number;
}

/** Placement nodes whose leases live. @throws {WakebusError} `UNAVAILABLE`. */
export async function livingNodes({ leases }: Pick<ClientPorts, 'leases'>): Promise<LivingNode[]> {
  const keys = await leases.keys('>');
  const values = await Promise.all(keys.map((key) => leases.get(key)));
  const nodes = values.flatMap(({ bytes }) => (bytes === undefined ? [] : [decode(bytes) as LivingNode]));
  return nodes.toSorted((a, b) => a.startedMs - b.startedMs);
}

/** Messages in the inboxes, by agent. @throws {WakebusError} `UNAVAILABLE`. */
export async function pendingByAgent({
  inboxes,
  layout,
}: Pick<ClientPorts, 'layout'> & {
  readonly inboxes: ReadonlyArray<Pick<ClientPorts['inboxes'][number], 'subjects'>>;
}): Promise<Map<AgentKey, number>> {
  const pending = new Map<AgentKey, number>();
  for (const inbox of inboxes) {
    for (const [subject, messages] of await inbox.subjects(layout.inboxFilter())) {
      const key = layout.readPending(subject)?.key as AgentKey | undefined;
      if (key !== undefined) pending.set(key, (pending.get(key) ?? 0) + messages);
    }
  }
  return pending;
}

/** The same by agent type. */
export function byType(pending: ReadonlyMap<AgentKey, number>): Map<string, PendingType> {
  const types = new Map<string, PendingType>();
  for (const [key, messages] of pending) {
    const { type } = splitKey(key);
    const known = types.get(type) ?? { messages: 0, agents: 0 };
    types.set(type, { messages: known.messages + messages, agents: known.agents + 1 });
  }
  return types;
}
