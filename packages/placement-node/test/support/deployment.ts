/** One server a test file, one deployment a test: what each test stands on. */
import { type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type AgentInspection, type Client, createClient } from '@wakebus/client';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import {
  type AgentRecord,
  type HistoryEntry,
  type Layout,
  type ParkedMessage,
  agentKey,
  decode,
  decodeRecord,
} from '@wakebus/protocol';
import { afterAll, afterEach, beforeAll } from 'vitest';
import {
  type DeploymentOptions,
  type PlacementNode,
  type PlacementNodeOptions,
  connectNats,
  createDeployment,
  startPlacementNode,
} from '../../src/mod.ts';
import { type ListContext, type ListEvent, listAgent } from './agents.ts';
import { eventually } from './eventually.ts';
import { type NodeProcess, type NodeProcessOptions, startNodeProcess } from './node-process.ts';

export type Connection = Awaited<ReturnType<typeof connectNats>>;
export type NodeOptions = Omit<PlacementNodeOptions, 'connection' | 'prefix' | 'agents'> & {
  readonly agents?: PlacementNodeOptions['agents'];
};

/** A line that a node wrote to its log. */
export interface LogLine {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A deployment and everything that runs on it. */
export class TestDeployment {
  readonly server: NatsServers;
  readonly connection: Connection;
  readonly client: Client;
  readonly layout: Layout;
  readonly logs: LogLine[] = [];
  readonly #connections: Connection[];
  readonly #nodes: PlacementNode[] = [];
  readonly #processes: NodeProcess[] = [];

  private constructor(server: NatsServers, connection: Connection, client: Client) {
    this.server = server;
    this.connection = connection;
    this.#connections = [connection];
    this.client = client;
    this.layout = client.layout;
  }

  static async create(server: NatsServers, options: DeploymentOptions): Promise<TestDeployment> {
    const connection = await connectNats({ servers: server.url });
    const layout = await createDeployment(connection, options);
    return new TestDeployment(server, connection, await createClient(connection, { prefix: layout.prefix }));
  }

  async connect(): Promise<Connection> {
    const connection = await connectNats({ servers: this.server.url });
    this.#connections.push(connection);
    return connection;
  }

  /** Starts a placement node in this process, on a connection of its own. */
  async startNode({ agents = [listAgent()], ...options }: NodeOptions = {}): Promise<PlacementNode> {
    const node = await startPlacementNode({
      connection: await this.connect(),
      prefix: this.layout.prefix,
      setup: 'check',
      agents,
      log: {
        info: (message, facts = {}) => void this.logs.push({ level: 'info', message, facts }),
        warn: (message, facts = {}) => void this.logs.push({ level: 'warn', message, facts }),
      },
      ...options,
    });
    this.#nodes.push(node);
    return node;
  }

  /** Starts a placement node as a process, which may be killed and frozen. */
  async startProcess(options: NodeProcessOptions = {}): Promise<NodeProcess> {
    const started = await startNodeProcess(this.server.url, this.layout.prefix, options);
    this.#processes.push(started);
    return started;
  }

  list(
    id: string,
    type: string = 'list',
  ): ReturnType<Client['agent']> & {
    send(event: ListEvent, options?: object): Promise<{ seq: number; messageId: string; duplicate: boolean }>;
    call(event: ListEvent, options?: object): Promise<unknown>;
  } {
    return this.client.agent(type, id) as never;
  }

  async inspect(id: string, type: string = 'list'): Promise<AgentInspection<ListContext>> {
    const found = await this.client.inspect(`${type}/${id}`);
    if (found === undefined) throw new Error(`there is no agent ${type}/${id}`);
    return found as AgentInspection<ListContext>;
  }

  async items(id: string, type: string = 'list'): Promise<readonly unknown[]> {
    return (await this.inspect(id, type)).context?.items ?? [];
  }

  /** The stored bytes of an agent's record. */
  async bytes(id: string, type: string = 'list'): Promise<Uint8Array> {
    const message = await (
      await this.manager()
    ).streams.getMessage(`KV_${this.layout.agentsBucket}`, {
      last_by_subj: `$KV.${this.layout.agentsBucket}.${agentKey(type, id)}`,
    });
    return message?.data ?? new Uint8Array();
  }

  async record(id: string, type: string = 'list'): Promise<AgentRecord> {
    return decodeRecord(agentKey(type, id), await this.bytes(id, type));
  }

  /** Overwrites an agent's record by hand. */
  async overwrite(id: string, bytes: Uint8Array, type: string = 'list'): Promise<void> {
    await jetstream(this.connection).publish(`$KV.${this.layout.agentsBucket}.${agentKey(type, id)}`, bytes);
  }

  /** Publishes an event as any NATS client would, in JSON. */
  async plainEvent(id: string, event: string, payload: object, type: string = 'list'): Promise<void> {
    await this.publish(this.layout.agentSubject(agentKey(type, id), event), Buffer.from(JSON.stringify(payload)));
  }

  /** Stores a message in whatever stream takes its subject. */
  async publish(subject: string, data: Uint8Array): Promise<void> {
    await jetstream(this.connection).publish(subject, data);
  }

  /** Takes a delivery out of a partition's consumer, as a placement node would. */
  async takeDelivery(partition: number): Promise<JsMsg> {
    const consumer = await jetstream(this.connection).consumers.get(
      this.layout.inboxStream(0),
      this.layout.consumerName('default', partition),
    );
    const messages = await consumer.fetch({ max_messages: 1, expires: 5_000, group: 'pool', priority: 0 });
    for await (const message of messages) return message;
    throw new Error(`partition ${partition} delivers nothing`);
  }

  /** The nodes whose lease lives. */
  async leases(): Promise<string[]> {
    const stream = `KV_${this.layout.leasesBucket}`;
    const root = `$KV.${this.layout.leasesBucket}.`;
    const manager = await this.manager();
    const { state } = await manager.streams.info(stream, { subjects_filter: '>' });
    const messages = await Promise.all(
      Object.keys(state.subjects ?? {}).map((subject) => manager.streams.getMessage(stream, { last_by_subj: subject })),
    );
    return messages.flatMap((message) =>
      message === null || message.data.length === 0 ? [] : [message.subject.slice(root.length)],
    );
  }

  /** Removes an agent's record by hand, without a marker. */
  async purgeRecord(id: string, type: string = 'list'): Promise<void> {
    const subject = `$KV.${this.layout.agentsBucket}.${agentKey(type, id)}`;
    await (await this.manager()).streams.purge(`KV_${this.layout.agentsBucket}`, { filter: subject });
  }

  /** Deletes the inbox by hand, and makes a new one in its place. */
  async recreateInbox(): Promise<void> {
    await (await this.manager()).streams.delete(this.layout.inboxStream(0));
    await createDeployment(this.connection, { prefix: this.layout.prefix });
  }

  /** Ends the nodes of this process, each by its drain. */
  async stopNodes(): Promise<void> {
    await Promise.all(this.#nodes.splice(0).map((node) => node.drain()));
  }

  async manager(): ReturnType<typeof jetstreamManager> {
    return jetstreamManager(this.connection, { checkAPI: false });
  }

  /** How many messages a stream holds, under some subjects if a filter is given. */
  async count(stream: string, filter?: string): Promise<number> {
    const { state } = await (await this.manager()).streams.info(stream, { subjects_filter: filter ?? '>' });
    if (filter === undefined) return state.messages;
    return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when every message of the inbox has been acknowledged. */
  async drained(withinMs?: number): Promise<void> {
    await eventually(async () => {
      const count = await this.count(this.layout.inboxStream(0));
      if (count > 0) throw new Error(`${count} messages are left in the inbox`);
    }, withinMs);
  }

  async deadLetters(): Promise<ParkedMessage[]> {
    return (await this.#contents(this.layout.deadLettersStream)).map(({ data }) => decode(data) as ParkedMessage);
  }

  incidents(): Promise<Array<{ readonly subject: string; readonly data: Uint8Array }>> {
    return this.#contents(this.layout.incidentsStream);
  }

  /** Takes everything out of a stream. */
  async purge(stream: string): Promise<void> {
    await (await this.manager()).streams.purge(stream);
  }

  async held(): Promise<ParkedMessage[]> {
    return (await this.#contents(this.layout.heldStream)).map(({ data }) => decode(data) as ParkedMessage);
  }

  async history(id: string, type: string = 'list'): Promise<HistoryEntry[]> {
    const subject = this.layout.historySubject(agentKey(type, id));
    const entries = await this.#contents(this.layout.historyStream);
    return entries.filter((entry) => entry.subject === subject).map(({ data }) => decode(data) as HistoryEntry);
  }

  /** All messages of a stream, in its order. */
  async #contents(stream: string): Promise<Array<{ readonly subject: string; readonly data: Uint8Array }>> {
    const manager = await this.manager();
    const { state } = await manager.streams.info(stream);
    const found: Array<{ readonly subject: string; readonly data: Uint8Array }> = [];
    for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
      const message = await manager.streams.getMessage(stream, { seq }).catch(() => null);
      if (message !== null) found.push(message);
    }
    return found;
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) node.close();
    await Promise.all(this.#processes.map((each) => each.kill()));
    this.client.close();
    await Promise.all(this.#connections.map((each) => each.close()));
  }
}

let lastPrefix = 0;

/**
 * Starts the file's server, and ends what its tests leave.
 *
 * @param stopAfter - `each` test, or `all` of them, where they run side by side. @default "each"
 * @returns what makes a deployment on it.
 */
export function useServer(
  stopAfter: 'each' | 'all' = 'each',
): (options?: DeploymentOptions) => Promise<TestDeployment> {
  let server: NatsServers | undefined;
  const deployments: TestDeployment[] = [];
  const stopAll = async (): Promise<void> => {
    await Promise.all(deployments.splice(0).map((each) => each.stop()));
  };
  beforeAll(async () => {
    server = await startNatsServer();
  });
  if (stopAfter === 'each') afterEach(stopAll);
  afterAll(async () => {
    await stopAll();
    await server?.stop();
  });
  return async (options = {}) => {
    if (server === undefined) throw new Error('the server has not been started');
    const prefix = `t${(lastPrefix += 1)}`;
    const deployment = await TestDeployment.create(server, { prefix, partitions: 8, ...options });
    deployments.push(deployment);
    return deployment;
  };
}
