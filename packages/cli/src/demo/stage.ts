/**
 * Everything that runs for one demo: an embedded server on a store that goes with it, a deployment, two
 * placement nodes as processes, and the publisher. Closing it leaves nothing behind.
 */
import { type Client, createClient } from '@wakebus/client';
import { type NatsServers, type ServerHandle, startNatsServer } from '@wakebus/nats-server';
import { type Ports, connectNats, createDeployment, natsPorts } from '@wakebus/placement-node';
import { Guard } from './guard.ts';
import type { NodeSetting } from './node-messages.ts';
import { NodeProcess } from './node-process.ts';
import type { Break } from './options.ts';
import { Publisher } from './publisher.ts';

/** What to turn off in a placement node. The server's part of `dedupe` is a matter of its window. */
function sabotageOf(broken: Break | undefined): NodeSetting['sabotage'] {
  return { dedupe: broken === 'record-dedupe' || broken === 'dedupe', cas: broken === 'cas' };
}

/** How often a placement node is started until it has joined. A try takes about half a second. */
const START_TRIES = 5;

/** What stops a part. The first one is the guard's. */
type Closers = ReadonlyArray<() => Promise<unknown>>;

type Parts = Pick<Stage, 'server' | 'publisher' | 'client' | 'ports'> & { readonly servers: NatsServers };

/** The running parts. */
export class Stage {
  readonly server: ServerHandle;
  readonly publisher: Publisher;
  readonly client: Client;
  /** For reading streams; the demo writes through nothing but the publisher. */
  readonly ports: Ports;
  /** The two placement nodes. The first one is killed, and another takes its place here. */
  nodes: readonly NodeProcess[] = [];
  readonly #servers: NatsServers;
  readonly #guard: Guard;
  readonly #broken: Break | undefined;
  readonly #closers: Closers;

  private constructor(parts: Parts, guard: Guard, broken: Break | undefined, closers: Closers) {
    this.server = parts.server;
    this.publisher = parts.publisher;
    this.client = parts.client;
    this.ports = parts.ports;
    this.#servers = parts.servers;
    this.#guard = guard;
    this.#broken = broken;
    this.#closers = closers;
  }

  /** Starts everything. When a part does not start, those before it are stopped again. */
  static async open(broken: Break | undefined, duplicateWindowMs: number): Promise<Stage> {
    const guard = new Guard();
    const closers: Array<() => Promise<unknown>> = [() => guard.end()];
    try {
      const servers = await startNatsServer();
      closers.push(() => servers.stop());
      const connection = await connectNats({ servers: servers.url, name: 'wakebus-demo' });
      closers.push(() => connection.close());
      const ports = natsPorts(connection, await createDeployment(connection, { duplicateWindowMs }));
      const client = await createClient(connection);
      const publisher = await Publisher.connect(servers.url);
      closers.push(() => publisher.close());
      const server = servers.servers[0] as ServerHandle;
      const stage = new Stage({ servers, server, publisher, client, ports }, guard, broken, closers);
      stage.nodes = await Promise.all([stage.startNode('one'), stage.startNode('two')]);
      return stage;
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  /** Starts another placement node, again if need be, as any supervisor would: the server may be away just now. */
  async startNode(name: string): Promise<NodeProcess> {
    const setting = { servers: this.url, name, sabotage: sabotageOf(this.#broken) };
    for (let tries = 1; tries < START_TRIES; tries += 1) {
      const node = await NodeProcess.start(setting, this.#guard).catch(() => undefined);
      if (node !== undefined) return node;
    }
    return NodeProcess.start(setting, this.#guard);
  }

  get url(): string {
    return this.#servers.url;
  }

  /** Stops everything, placement nodes first. */
  async close(): Promise<void> {
    await closeAll(this.#closers);
  }
}

/** The guard comes first, so that no placement node sees the server go. What fails to close must not keep the rest. */
async function closeAll([guard, ...others]: Closers): Promise<void> {
  await guard?.();
  for (const close of others.toReversed()) await close().catch(() => {});
}
