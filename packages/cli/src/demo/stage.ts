/**
 * Everything that runs for one demo: an embedded server on a store that goes with it, a deployment, two placement
 * nodes and a gateway as processes, GitHub, and the publisher. Closing it leaves nothing behind.
 */
import { randomBytes } from 'node:crypto';
import { type Client, createClient } from '@wakebus/client';
import { type NatsServers, type ServerHandle, startNatsServer } from '@wakebus/nats-server';
import { type Ports, connectNats, createDeployment, natsPorts } from '@wakebus/placement-node';
import { GatewayProcess } from './gateway-process.ts';
import { GitHubApi } from './github-api.ts';
import { GitHubSender } from './github-sender.ts';
import { Guard } from './guard.ts';
import type { NodeSetting } from './node-messages.ts';
import { NodeProcess } from './node-process.ts';
import type { Break } from './options.ts';
import { Publisher } from './publisher.ts';
import { HOOK_PATH } from './webhook.ts';

/** What to turn off in a placement node. The server's part of `dedupe` is a matter of its window, the gateway's of {@link Stage.forgetDeliveries}. */
function sabotageOf(broken: Break | undefined): NodeSetting['sabotage'] {
  return { dedupe: broken === 'record-dedupe' || broken === 'dedupe', cas: broken === 'cas' };
}

/** How often a process is started until it is ready. A try takes about half a second. */
const START_TRIES = 5;

/** What stops a part. The first one is the guard's. */
type Closers = ReadonlyArray<() => Promise<unknown>>;

interface Parts {
  readonly servers: NatsServers;
  readonly connection: Connection;
  readonly ports: Ports;
  readonly client: Client;
  readonly publisher: Publisher;
  readonly api: GitHubApi;
}

type Connection = Awaited<ReturnType<typeof connectNats>>;

/** The running parts. */
export class Stage {
  readonly server: ServerHandle;
  readonly publisher: Publisher;
  readonly client: Client;
  /** For reading streams; the demo writes through nothing but GitHub and the publisher. */
  readonly ports: Ports;
  /** GitHub as it is written to. */
  readonly api: GitHubApi;
  /** The two placement nodes. The first one is killed, and another takes its place here. */
  nodes: readonly NodeProcess[] = [];
  readonly #servers: NatsServers;
  readonly #connection: Connection;
  readonly #guard: Guard;
  readonly #broken: Break | undefined;
  readonly #closers: Closers;
  readonly #secret: string = randomBytes(32).toString('hex');
  #gateway: GatewayProcess | undefined;
  #github: GitHubSender | undefined;

  private constructor(parts: Parts, guard: Guard, broken: Break | undefined, closers: Closers) {
    this.server = parts.servers.servers[0] as ServerHandle;
    this.publisher = parts.publisher;
    this.client = parts.client;
    this.ports = parts.ports;
    this.api = parts.api;
    this.#servers = parts.servers;
    this.#connection = parts.connection;
    this.#guard = guard;
    this.#broken = broken;
    this.#closers = closers;
  }

  /** Starts everything. When a part does not start, those before it are stopped again. */
  static async open(broken: Break | undefined, duplicateWindowMs: number): Promise<Stage> {
    const guard = new Guard();
    const closers: Array<() => Promise<unknown>> = [() => guard.end()];
    try {
      const parts = await openParts(broken, duplicateWindowMs, closers);
      const stage = new Stage(parts, guard, broken, closers);
      closers.push(async () => stage.#github?.close());
      const nodes = Promise.all([stage.startNode('one'), stage.startNode('two')]);
      await stage.startGateway();
      stage.nodes = await nodes;
      return stage;
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  /** Starts another placement node. */
  async startNode(name: string): Promise<NodeProcess> {
    const setting = { servers: this.url, name, githubUrl: this.api.url, sabotage: sabotageOf(this.#broken) };
    return persistently(() => NodeProcess.start(setting, this.#guard));
  }

  /** Starts the gateway, where the one before it was. */
  async startGateway(): Promise<void> {
    const port = this.#gateway === undefined ? 0 : Number(new URL(this.#gateway.url).port);
    const setting = { servers: this.url, port };
    this.#gateway = await persistently(() => GatewayProcess.start(setting, this.#secret, this.#guard));
    this.#github ??= new GitHubSender(this.#gateway.url + HOOK_PATH, this.#secret);
  }

  /** Kills the gateway. */
  async killGateway(): Promise<void> {
    await this.#gateway?.kill();
  }

  /** GitHub as it sends. */
  get github(): GitHubSender {
    return this.#github as GitHubSender;
  }

  /** Empties the gateways' memory of deliveries. @returns whether the server has done it. */
  async forgetDeliveries(): Promise<boolean> {
    const { seenBucket } = this.ports.layout;
    const { data } = await this.#connection.request(`$JS.API.STREAM.PURGE.KV_${seenBucket}`);
    return (JSON.parse(new TextDecoder().decode(data)) as { readonly success?: boolean }).success === true;
  }

  get url(): string {
    return this.#servers.url;
  }

  /** Stops everything, placement nodes first. */
  async close(): Promise<void> {
    await closeAll(this.#closers);
  }
}

/** What runs in this process, and the server. */
async function openParts(
  broken: Break | undefined,
  duplicateWindowMs: number,
  closers: Array<() => Promise<unknown>>,
): Promise<Parts> {
  const api = await GitHubApi.open(broken !== 'effect-keys');
  closers.push(() => api.close());
  const servers = await startNatsServer();
  closers.push(() => servers.stop());
  const connection = await connectNats({ servers: servers.url, name: 'wakebus-demo' });
  closers.push(() => connection.close());
  const ports = natsPorts(connection, await createDeployment(connection, { duplicateWindowMs }));
  const client = await createClient(connection);
  const publisher = await Publisher.connect(servers.url);
  closers.push(() => publisher.close());
  return { servers, connection, ports, client, publisher, api };
}

/** Starts a process, again if need be, as any supervisor would: the server may be away just now. */
async function persistently<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; tries < START_TRIES; tries += 1) {
    const started = await start().catch(() => undefined);
    if (started !== undefined) return started;
  }
  return start();
}

/** The guard comes first, so that no placement node sees the server go. What fails to close must not keep the rest. */
async function closeAll([guard, ...others]: Closers): Promise<void> {
  await guard?.();
  for (const close of others.toReversed()) await close().catch(() => {});
}
