/**
 * Benchmarks of a pool: how even its load is, and what its agents feel when a placement node is killed,
 * drained, or joins. Placement nodes are processes; what they did is read from history afterwards.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { type Client, createClient } from '@wakebus/client';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { connectNats, createDeployment, natsPorts } from '@wakebus/placement-node';
import { type AgentKey, type HistoryEntry, decode } from '@wakebus/protocol';
import { inFlight } from './in-flight.ts';
import { NodeProcess } from './node-process.ts';
import { type Row, figure, within } from './rows.ts';

const NODES = 3;
/** Agents of which one placement node holds a share when it is killed, drained, or gets company. */
const AGENTS = 900;
/** Agents that are called without a pause: two cores and their placement nodes are busy then. */
const CALLED = 48;
/** How long they are called before something happens, and from then on, in milliseconds. */
const CALM_MS = 2_000;
const WATCHED_MS = 3_000;

interface Commit extends HistoryEntry {
  readonly key: AgentKey;
}

/** A deployment of its own, with placement nodes as processes. */
class Pool implements AsyncDisposable {
  readonly nodes: NodeProcess[] = [];
  readonly client: Client;
  readonly #connection: NatsConnection;
  readonly #servers: string;

  private constructor(client: Client, connection: NatsConnection, servers: string) {
    this.client = client;
    this.#connection = connection;
    this.#servers = servers;
  }

  static async open(server: NatsServers, prefix: string, nodes: number): Promise<Pool> {
    const connection = await connectNats({ servers: server.url });
    await createDeployment(connection, { prefix });
    const pool = new Pool(await createClient(connection, { prefix }), connection, server.url);
    for (let i = 0; i < nodes; i += 1) await (await pool.load()).join();
    return pool;
  }

  async load(): Promise<NodeProcess> {
    const node = await NodeProcess.load({ servers: this.#servers, prefix: this.client.layout.prefix });
    this.nodes.push(node);
    return node;
  }

  /** One event to each of so many agents; resolves when all have answered. */
  async touch(agents: number): Promise<void> {
    const ids = Array.from({ length: agents }, (_, i) => `a${i}`);
    await inFlight(ids, 200, async (id) => void (await this.client.agent('counter', id).call({ type: 'add', by: 1 })));
  }

  /** Every commit so far, oldest first. */
  async commits(): Promise<readonly Commit[]> {
    const { history, layout } = natsPorts(this.#connection, this.client.layout);
    const filter = layout.historySubject('>');
    const commits: Commit[] = [];
    for (let from = 1; ;) {
      const page = await history.read(filter, from, 512);
      const last = page.at(-1);
      if (last === undefined) return commits.toSorted((a, b) => a.atMs - b.atMs);
      for (const { subject, data } of page)
        commits.push({ ...(decode(data) as HistoryEntry), key: subject.slice(filter.length - 1) as AgentKey });
      from = last.seq + 1;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node.kill();
    await this.#connection.close();
  }
}

export async function poolRows(): Promise<Row[]> {
  await using server = await startNatsServer();
  return [
    ...(await evenRows(server)),
    ...(await killedRows(server)),
    ...(await drainedRows(server)),
    ...(await joinedRows(server)),
  ];
}

/** How far the busiest or the idlest of three placement nodes is from an even share of the turns. */
async function evenRows(server: NatsServers): Promise<Row[]> {
  await using pool = await Pool.open(server, 'even', NODES);
  await pool.touch(10_000);
  const turns = Map.groupBy(await pool.commits(), ({ node }) => node);
  const total = [...turns.values()].reduce((sum, { length }) => sum + length, 0);
  const shares = pool.nodes.map(({ nodeId }) => ((turns.get(nodeId)?.length ?? 0) * NODES) / total);
  return [within('pool-3-nodes-off-even', '%', 100 * Math.max(...shares.map((share) => Math.abs(share - 1))), 15)];
}

/** Every agent of a placement node has a turn under way when it is killed; nothing is sent after that. */
async function killedRows(server: NatsServers): Promise<Row[]> {
  await using pool = await Pool.open(server, 'killed', NODES);
  await pool.touch(AGENTS);
  const [victim] = pool.nodes as [NodeProcess, ...NodeProcess[]];
  const own = await keysOf(pool, victim);
  await victim.hold();
  const standing = victim.holds(own.size);
  await Promise.all([...own].map((key) => pool.client.agent('counter', idOf(key)).send({ type: 'add', by: 1 })));
  await standing;
  const killedMs = Date.now();
  await victim.kill();
  const taken = await firstElsewhere(pool, own, victim, killedMs);
  return [within('pool-killed-first-commit', 'ms', Math.max(...taken), 2_000)];
}

/** Agents are called without a pause while one of three placement nodes drains. */
async function drainedRows(server: NatsServers): Promise<Row[]> {
  await using pool = await Pool.open(server, 'drained', NODES);
  await pool.touch(AGENTS);
  const [victim] = pool.nodes as [NodeProcess, ...NodeProcess[]];
  const own = await keysOf(pool, victim);
  const calls = new Calls(pool.client);
  const calmMs = await calls.longestMs(CALM_MS);
  const drainedMs = Date.now();
  const longestMs = await calls.longestMs(WATCHED_MS, () => victim.drain());
  const called = new Set([...own].filter((key) => calls.ids.includes(idOf(key))));
  const taken = await firstElsewhere(pool, called, victim, drainedMs);
  return [
    figure('pool-3-nodes-longest-call', 'ms', calmMs),
    within('pool-drained-longest-call', 'ms', longestMs, 200),
    within('pool-drained-first-commit', 'ms', Math.max(...taken), 200),
  ];
}

/** Agents are called without a pause while a placement node comes to two others. */
async function joinedRows(server: NatsServers): Promise<Row[]> {
  await using pool = await Pool.open(server, 'joined', NODES - 1);
  await pool.touch(AGENTS);
  const newcomer = await pool.load();
  const calls = new Calls(pool.client);
  const calmMs = await calls.longestMs(CALM_MS);
  const before = await epochs(pool);
  const longestMs = await calls.longestMs(WATCHED_MS, () => newcomer.join());
  await pool.touch(AGENTS);
  const after = await epochs(pool);
  const rises = [...after].map(([key, epoch]) => epoch - (before.get(key) ?? epoch));
  return [
    figure('pool-2-nodes-longest-call', 'ms', calmMs),
    within('pool-joined-longest-call', 'ms', longestMs, 200),
    within('pool-joined-claims-an-agent', '', Math.max(...rises), 1),
    figure('pool-joined-agents-moved', 'agents', rises.filter((rise) => rise > 0).length),
  ];
}

/** Agents that are called without a pause, each by one caller. */
class Calls {
  readonly ids: readonly string[] = Array.from({ length: CALLED }, (_, i) => `a${i}`);
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Calls for so long, and until something has been done. @returns the longest time from one answer to the next. */
  async longestMs(forMs: number, during: () => Promise<void> = async () => {}): Promise<number> {
    const over = new AbortController();
    let longestMs = 0;
    const running = this.ids.map(async (id) => {
      const agent = this.#client.agent('counter', id);
      while (!over.signal.aborted) {
        const startedMs = performance.now();
        await agent.call({ type: 'add', by: 1 });
        longestMs = Math.max(longestMs, performance.now() - startedMs);
      }
    });
    await Promise.all([new Promise((resolve) => setTimeout(resolve, forMs)), during()]);
    over.abort();
    await Promise.all(running);
    return longestMs;
  }
}

function idOf(key: AgentKey): string {
  return key.slice('counter.'.length);
}

/** The agents that a placement node committed for last. */
async function keysOf(pool: Pool, { nodeId }: NodeProcess): Promise<ReadonlySet<AgentKey>> {
  const last = new Map((await pool.commits()).map(({ key, node }) => [key, node]));
  return new Set([...last].filter(([, node]) => node === nodeId).map(([key]) => key));
}

/** The highest epoch of each agent. */
async function epochs(pool: Pool): Promise<ReadonlyMap<AgentKey, number>> {
  const highest = new Map<AgentKey, number>();
  for (const { key, epoch } of await pool.commits()) highest.set(key, Math.max(epoch, highest.get(key) ?? 0));
  return highest;
}

/** For each agent, the milliseconds from a moment to its first commit by another placement node. Waits for them. */
async function firstElsewhere(
  pool: Pool,
  keys: ReadonlySet<AgentKey>,
  { nodeId }: NodeProcess,
  sinceMs: number,
): Promise<readonly number[]> {
  for (;;) {
    const first = new Map<AgentKey, number>();
    for (const { key, node, atMs } of await pool.commits())
      if (keys.has(key) && node !== nodeId && atMs >= sinceMs && !first.has(key)) first.set(key, atMs - sinceMs);
    if (first.size === keys.size) return [...first.values()];
  }
}
