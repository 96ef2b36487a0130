/**
 * How long it takes until what a fault has stopped goes on again.
 */
import { type AgentKey, agentKey, splitKey } from '@wakebus/protocol';
import type { AttachedClient } from '../cluster.ts';
import type { Stage } from './fault.ts';

/** Agents asked after each fault: enough to meet several partitions. */
const ASKED = 6;

/** Milliseconds until some of these agents, or any, have each taken a new event. */
export async function untilAgentsRun(stage: Stage, among: readonly AgentKey[] = []): Promise<number> {
  const { prober, traffic } = stage;
  const startedMs = performance.now();
  const asked = chooseLedgers(stage, among);
  await Promise.all(asked.map((agent, i) => traffic.send(prober, probe(stage, 'asked', agent, i), 'call')));
  return performance.now() - startedMs;
}

/** Milliseconds until each client has had an event confirmed. */
export async function untilWritersWrite(stage: Stage, clients: readonly AttachedClient[]): Promise<number> {
  const startedMs = performance.now();
  const agents = chooseLedgers(stage, []);
  await Promise.all(
    clients.map((client, i) =>
      stage.traffic.send(client, probe(stage, `wrote-${client.name}`, agents[i % agents.length] as AgentKey, i)),
    ),
  );
  return performance.now() - startedMs;
}

function chooseLedgers({ prng, traffic }: Stage, among: readonly AgentKey[]): AgentKey[] {
  const isLedger = (key: AgentKey): boolean => splitKey(key).type === 'ledger' && traffic.agents.has(key);
  const held = among.filter(isLedger);
  const all = held.length > 0 ? held : [...traffic.agents].filter(isLedger);
  const from = prng.below(Math.max(1, all.length));
  return [...all, ...all].slice(from, from + Math.min(ASKED, all.length));
}

function probe(stage: Stage, what: string, agent: AgentKey, i: number) {
  return { id: `${stage.name}-${what}-${i}`, agent, kind: 'add', payload: {}, worker: `${stage.name}-${what}` };
}

/** An agent of a fault's own, which no traffic goes to. */
export function ownAgent({ name }: Stage, id: string): AgentKey {
  return agentKey('ledger', `${name}-${id}`);
}
