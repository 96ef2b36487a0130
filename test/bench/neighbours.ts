/**
 * Benchmark of neighbours: what agents that run feel of one that cannot, and has 50,000 messages waiting.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@wakebus/client';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { type Ports, connectNats, createDeployment, natsPorts } from '@wakebus/placement-node';
import { type AgentKey, type AgentRecord, agentKey, decodeRecord, encodeRecord } from '@wakebus/protocol';
import { NodeProcess, type NodeSetting } from './node-process.ts';
import { type Row, atMost, quantile } from './rows.ts';

const MESSAGES = 50_000;
/** Neighbours that are called in turn, half of them in the partition of the agent that cannot run. */
const NEIGHBOURS = 8;
const CALM_MS = 4_000;
/** Long enough for whatever comes again every few seconds to come twice. */
const WATCHED_MS = 12_000;
const FLOOD = fileURLToPath(new URL('./flood-main.ts', import.meta.url));

/** An agent that cannot run, and how it came to that. */
type Spoil = (client: Client, ports: Ports, key: AgentKey) => Promise<void>;

const spoils: Readonly<Record<string, Spoil>> = {
  suspended: async (client) => client.suspend('counter/stuck'),
  undecodable: (_client, ports, key) => rewrite(ports, key, (record) => ({ ...record, snapshot: Uint8Array.of(0xc1) })),
  newer: (_client, ports, key) => rewrite(ports, key, (record) => ({ ...record, machineVersion: 2 })),
};

export async function neighbourRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, spoil] of Object.entries(spoils)) {
    await using server = await startNatsServer();
    rows.push(...(await besides(server, name, spoil)));
  }
  return rows;
}

async function besides(server: NatsServers, name: string, spoil: Spoil): Promise<Row[]> {
  const connection = await connectNats({ servers: server.url });
  const layout = await createDeployment(connection);
  const client = await createClient(connection);
  const ports = natsPorts(connection, layout);
  const key = agentKey('counter', 'stuck');
  const setting = { servers: server.url, prefix: layout.prefix };
  const first = await NodeProcess.start(setting);
  await client.agent('counter', 'stuck').call({ type: 'rest' });
  await first.drain();
  const node = await NodeProcess.start(setting);
  await spoil(client, ports, key);
  const neighbours = neighboursOf(client, key);
  await p99(client, neighbours, CALM_MS / 2);
  const calmMs = await p99(client, neighbours, CALM_MS);
  const idleMs = await p99(client, neighbours, flood(setting, 'nobody'));
  const comingMs = await p99(client, neighbours, flood(setting, 'counter'));
  const besideMs = await p99(client, neighbours, WATCHED_MS);
  await node.kill();
  await first.kill();
  await connection.close();
  return [
    atMost(`beside-50000-${name}-p99`, 'ms', besideMs, calmMs, 2),
    // Sending them costs the neighbours something wherever they go: the floor is the same to a type that nobody runs.
    atMost(`beside-50000-${name}-coming-p99`, 'ms', comingMs, idleMs, 2),
  ];
}

/** Sends the messages to an agent. @returns when all are stored. */
async function flood(setting: NodeSetting, type: string): Promise<void> {
  await once(fork(FLOOD, [JSON.stringify({ ...setting, type, id: 'stuck', messages: MESSAGES })]), 'exit');
}

/** Rewrites a sleeping agent's record, as a newer version or a broken disk would. */
async function rewrite(ports: Ports, key: AgentKey, change: (record: AgentRecord) => AgentRecord): Promise<void> {
  const { bytes, revision } = await ports.agents.getFresh(key);
  await ports.agents.put(key, encodeRecord(change(decodeRecord(key, bytes as Uint8Array))), revision);
}

function neighboursOf({ layout }: Client, key: AgentKey): readonly string[] {
  const ids = Array.from({ length: 1_000 }, (_, i) => `n${i}`);
  const isNear = (id: string): boolean => layout.partitionOf(agentKey('counter', id)) === layout.partitionOf(key);
  const half = NEIGHBOURS / 2;
  return [...ids.filter(isNear).slice(0, half), ...ids.filter((id) => !isNear(id)).slice(0, half)];
}

/** The 99th percentile of calls, one after the other, for so long or until something happens. */
async function p99(client: Client, ids: readonly string[], until: number | Promise<unknown>): Promise<number> {
  const agents = ids.map((id) => client.agent('counter', id));
  const takenMs: number[] = [];
  const over = new AbortController();
  const ends = typeof until === 'number' ? new Promise((resolve) => setTimeout(resolve, until)) : until;
  void ends.then(() => over.abort());
  for (let i = 0; !over.signal.aborted; i += 1) {
    const startedMs = performance.now();
    await agents[i % agents.length]?.call({ type: 'add', by: 1 });
    takenMs.push(performance.now() - startedMs);
  }
  return quantile(takenMs, 0.99);
}
