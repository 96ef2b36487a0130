/**
 * What operators do by mistake to streams that are in use.
 */
import { type AgentKey, addressOf, agentKey } from '@wakebus/protocol';
import type { AttachedClient, AttachedNode } from '../cluster.ts';
import { persist, until } from '../patience.ts';
import type { StoredAgent } from '../../checker/run-history.ts';
import { contextOf, readHistory } from '../../checker/run-history.ts';
import type { Fault, Stage, Strike } from './fault.ts';
import { ownAgent, untilAgentsRun } from './recovery.ts';
import { recordsStream } from './server-faults.ts';

/** What is sure to come, comes within so long, in milliseconds. */
const COMES_MS = 20_000;

export const operatorFaults: readonly Fault[] = [
  { kind: 'consumer deleted', strike: deleteConsumer },
  { kind: 'inbox purged of one agent', strike: purgeInbox },
  { kind: 'record purged of one agent', strike: purgeRecord },
  { kind: 'inbox restored from a backup', strike: restoreInbox },
];

async function deleteConsumer(stage: Stage): Promise<Strike> {
  const { api, ports } = stage.cluster;
  const { layout } = ports;
  const partition = stage.prng.below(layout.partitions);
  await api.deleteConsumer(layout.inboxStream(0), layout.consumerName('default', partition));
  const inPartition = [...stage.traffic.agents].filter((key) => layout.partitionOf(key) === partition);
  const recoverMs = await untilAgentsRun(stage, inPartition);
  return { met: `partition ${partition}`, recoverMs, recovers: 'all' };
}

/** What was purged is gone, by order, but for what a node had taken before. What came before and after it is not. */
async function purgeInbox(stage: Stage): Promise<Strike> {
  const { cluster, prober } = stage;
  const { api, ports } = cluster;
  const key = ownAgent(stage, 'purged');
  await add(prober, key, ['before'], 'call');
  await prober.client.suspend(addressOf(key));
  const purged = ['gone-1', 'gone-2', 'gone-3'];
  await add(prober, key, purged, 'send');
  await api.purge(ports.layout.inboxStream(0), ports.layout.mailboxFilter(key));
  const startedMs = performance.now();
  await prober.client.release(addressOf(key));
  await add(prober, key, ['after-1', 'after-2'], 'call');
  const list = await readList(stage, key);
  const taken = purged.filter((id) => list.includes(id));
  const violations = sameList(key, list, ['before', ...taken, 'after-1', 'after-2']);
  return { met: '3 messages', recoverMs: performance.now() - startedMs, recovers: 'all', violations };
}

/** An agent without its record was born before, and is not born again. */
async function purgeRecord(stage: Stage): Promise<Strike> {
  const { cluster, prober } = stage;
  const { client } = prober;
  const key = ownAgent(stage, 'forgotten');
  await add(prober, key, ['before'], 'call');
  await persist(() => isAsleep(prober, key));
  await cluster.api.purge(recordsStream(stage), `$KV.${cluster.ports.layout.agentsBucket}.${key}`);
  await add(prober, key, ['after'], 'send');
  const isQuarantined = await until(async () => (await lifecycleOf(prober, key)) === 'quarantined', COMES_MS);
  // Its mailbox stays, and the run could not come to rest.
  if (isQuarantined) await client.remove(addressOf(key));
  const violations = isQuarantined ? [] : [`${key}: without its record it is ${await lifecycleOf(prober, key)}`];
  return { met: 'asleep', violations };
}

/** Agents in the deployment that is restored. */
const RESTORED_AGENTS = 24;
/** Half of them take their last event after the backup, and so know that it is old. */
const EVENTS_BEFORE = 3;

/**
 * A backup of the inbox takes its place while everything runs. Who has processed more than it holds is
 * quarantined; nobody is born again, and nobody drops what was confirmed to a client afterwards.
 */
async function restoreInbox(stage: Stage): Promise<Strike> {
  const { cluster, name } = stage;
  const prefix = `restored-${name}`;
  const ports = await cluster.addDeployment({ prefix, partitions: 4 });
  const node = await cluster.startNode([prefix]);
  try {
    const client = await cluster.connectClient('restorer', prefix);
    const keys = Array.from({ length: RESTORED_AGENTS }, (_, i) => agentKey('ledger', `r${i}`));
    await forEach(keys, (key) => add(client, key, ids('early', EVENTS_BEFORE), 'call'));
    const backup = await cluster.api.backup(ports.layout.inboxStream(0));
    const newer = keys.slice(0, RESTORED_AGENTS / 2);
    await forEach(newer, (key) => add(client, key, ids('late', EVENTS_BEFORE), 'call'));
    await cluster.api.restore(backup);
    await forEach(keys, (key) => add(client, key, ['after'], 'send'));
    const violations = await judgeRestored(client, keys);
    return { met: `${backup.state.last_seq} messages old`, violations };
  } finally {
    await endOwn(stage, node);
    await deleteStreams(stage, prefix);
  }
}

async function judgeRestored(client: AttachedClient, keys: readonly AgentKey[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const key of keys) {
    const isRight = await until(async () => {
      const seen = await client.client.inspect(addressOf(key));
      return seen?.lifecycle.name === 'quarantined' || listOf(seen?.context).includes('after');
    }, COMES_MS);
    if (!isRight) wrong.push(`${key}: it neither took what was sent after the restore nor is it quarantined`);
    const seen = await client.client.inspect(addressOf(key));
    const list = listOf(seen?.context);
    if (list[0] !== 'early-0') wrong.push(`${key}: it was born again, as ${JSON.stringify(list)}`);
  }
  return wrong;
}

/** Sends events to a ledger, one after the other, each by its own ID. */
async function add(
  { client }: AttachedClient,
  key: AgentKey,
  names: readonly string[],
  how: 'send' | 'call',
): Promise<void> {
  const [type, id] = addressOf(key).split('/') as [string, string];
  for (const name of names) await persist(() => client.agent(type, id)[how]({ type: 'add', id: name }, { id: name }));
}

async function isAsleep(client: AttachedClient, key: AgentKey): Promise<void> {
  const name = await lifecycleOf(client, key);
  if (name !== 'asleep') throw new Error(`${key} is ${name}`);
}

async function lifecycleOf({ client }: AttachedClient, key: AgentKey): Promise<string | undefined> {
  return (await persist(() => client.inspect(addressOf(key))))?.lifecycle.name;
}

async function readList({ cluster }: Stage, key: AgentKey): Promise<readonly string[]> {
  const { bytes } = await persist(() => cluster.ports.agents.getFresh(key));
  const agent: StoredAgent = { key, bytes, writes: [], deadLetters: [] };
  return listOf(
    contextOf(
      readHistory([agent], [], { endMs: Date.now(), missed: undefined, living: new Set() }).agents.get(key)?.record,
    ),
  );
}

function listOf(context: unknown): readonly string[] {
  const { entries = [] } = (context ?? {}) as { readonly entries?: ReadonlyArray<{ readonly id: string }> };
  return entries.map(({ id }) => id);
}

function sameList(key: AgentKey, list: readonly string[], wanted: readonly string[]): string[] {
  return JSON.stringify(list) === JSON.stringify(wanted)
    ? []
    : [`${key}: its list is ${JSON.stringify(list)}, and ${JSON.stringify(wanted)} was sent and not purged`];
}

function ids(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name}-${i}`);
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  await Promise.all(items.map(work));
}

/** Ends a node that a fault had started for itself. */
export async function endOwn({ cluster }: Stage, node: AttachedNode): Promise<void> {
  await cluster.endNode(node);
}

/** Removes what a fault had created for itself: each stream is a Raft group on three servers. */
export async function deleteStreams({ cluster }: Stage, prefix: string): Promise<void> {
  await cluster.api.deleteStreams(prefix);
}
