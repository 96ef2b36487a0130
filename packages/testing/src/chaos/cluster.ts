/**
 * Three servers, placement nodes and clients as a run has them: all on loopback, a {@link Link} on every
 * way between two of them, and a watchdog that leaves nothing behind.
 *
 * Proxies in place of network namespaces: they need no rights, run on every machine, can hold up one
 * direction only, and lose a reply on purpose, which neither a veth nor a black-hole route can.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@wakebus/client';
import { type NatsServers, type ServerHandle, Watchdog, startNatsServer } from '@wakebus/nats-server';
import { type DeploymentOptions, type Ports, connectNats, createDeployment, natsPorts } from '@wakebus/placement-node';
import { Link } from './link.ts';
import { NodeProcess } from './node-process.ts';
import { persist } from './patience.ts';
import { REPUBLISHED, followWrites } from './record-feed.ts';
import { ServerApi } from './server-api.ts';

/** A cluster that has not elected its leaders by then has got stuck, in milliseconds. */
const SETTLE_MS = 30_000;

type Connection = Awaited<ReturnType<typeof connectNats>>;

/** A process of the run, or a client of it, with its ways to the servers. */
interface Attached {
  /** One to each server, in their order. */
  readonly links: readonly Link[];
}

/** A client on a connection of its own. */
export interface AttachedClient extends Attached {
  readonly name: string;
  readonly client: Client;
}

/** A placement node's process. */
export interface AttachedNode extends Attached {
  readonly process: NodeProcess;
}

export interface ClusterOptions {
  /** Of the deployment. Its streams are on all three servers. */
  readonly deployment?: DeploymentOptions;
  /** Where the servers keep their streams, below the run's folder. @default A folder of the servers' own */
  readonly storeIn?: (folder: string) => Promise<string>;
}

/** How often a placement node is started until it has joined, as any supervisor would. */
const START_TRIES = 6;

type Parts = Pick<Cluster, 'servers' | 'api' | 'ports' | 'folder'> & {
  readonly watchdog: Watchdog;
  readonly connection: Connection;
  readonly routes: ReadonlyMap<string, Link>;
};

export class Cluster {
  readonly servers: NatsServers;
  /** For looking and for operators' mistakes, past every link. */
  readonly api: ServerApi;
  readonly ports: Ports;
  /** Goes with the run, and everything mounted in it. */
  readonly folder: string;
  readonly #parts: Parts;
  readonly #clients = new Set<{ readonly connection: Connection; readonly links: readonly Link[] }>();
  #nodes: readonly AttachedNode[] = [];
  #started = 0;

  private constructor(parts: Parts) {
    this.servers = parts.servers;
    this.api = parts.api;
    this.ports = parts.ports;
    this.folder = parts.folder;
    this.#parts = parts;
  }

  /** Starts servers and creates the deployment. What has been started goes again when this fails. */
  /** Three servers on one busy machine do not always find each other in time: then they are started anew, twice at most. */
  static async open(options: ClusterOptions = {}): Promise<Cluster> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await Cluster.#start(options);
      } catch (error) {
        if (tries === 3) throw error;
      }
    }
  }

  static async #start({ deployment, storeIn }: ClusterOptions): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'wakebus-chaos-'));
    const watchdog = new Watchdog(folder);
    const routes = new Map<string, Link>();
    try {
      const storeDir = await storeIn?.(folder);
      const servers = await startNatsServer({
        cluster: true,
        ...(storeDir !== undefined && { storeDir }),
        routeVia: async ({ from, to, port }) => {
          const link = await Link.open(port);
          routes.get(`${from}>${to}`)?.close();
          routes.set(`${from}>${to}`, link);
          return link.port;
        },
      });
      const connection = await connectNats({ servers: [...servers.urls], name: 'wakebus-chaos' });
      // Three servers that have only just met may have to elect leaders for it.
      const layout = await persist(() => createDeployment(connection, { replicas: 3, ...deployment }), SETTLE_MS);
      const ports = natsPorts(connection, layout);
      return new Cluster({ servers, api: new ServerApi(connection), ports, folder, watchdog, connection, routes });
    } catch (error) {
      for (const link of routes.values()) link.close();
      await watchdog.end();
      throw error;
    }
  }

  /** Placement nodes whose process has not been taken away. */
  get nodes(): readonly AttachedNode[] {
    return this.#nodes;
  }

  /** Hears every write of a record, past every link. @returns what ends it. */
  async followRecords(onWrite: Parameters<typeof followWrites>[2]): Promise<() => void> {
    const { agentsBucket } = this.ports.layout;
    const connections = await Promise.all(
      this.servers.urls.map((url) => connectNats({ servers: url, name: 'follower', ignoreClusterUpdates: true })),
    );
    for (const connection of connections) this.#clients.add({ connection, links: [] });
    const unfollow = followWrites(connections, agentsBucket, onWrite);
    await this.api.republish(`KV_${agentsBucket}`, REPUBLISHED);
    return unfollow;
  }

  /** Creates another deployment beside the first one. */
  async addDeployment(options: DeploymentOptions): Promise<Ports> {
    const layout = await persist(() => createDeployment(this.#parts.connection, { replicas: 3, ...options }));
    return natsPorts(this.#parts.connection, layout);
  }

  /** Starts a placement node; again if need be: there may be no leader just now. */
  async startNode(prefixes: readonly string[] = [this.ports.layout.prefix]): Promise<AttachedNode> {
    const links = await this.#openLinks();
    const servers = links.map(({ url }) => url);
    for (let tries = 1; ; tries += 1) {
      this.#started += 1;
      try {
        const started = NodeProcess.start({ name: `n${this.#started}`, servers, prefixes }, this.#parts.watchdog);
        const node = { process: await started, links };
        this.#nodes = [...this.#nodes, node];
        return node;
      } catch (error) {
        if (tries < START_TRIES) continue;
        for (const link of links) link.close();
        throw error;
      }
    }
  }

  /** Takes a node's process away, however it is, and its links. */
  async endNode(node: AttachedNode): Promise<void> {
    this.#nodes = this.#nodes.filter((other) => other !== node);
    if (!node.process.hasEnded) await node.process.kill();
    for (const link of node.links) link.close();
  }

  async connectClient(name: string, prefix: string = this.ports.layout.prefix): Promise<AttachedClient> {
    const links = await this.#openLinks();
    const connection = await connectNats({ servers: links.map(({ url }) => url), name, ignoreClusterUpdates: true });
    this.#clients.add({ connection, links });
    return { name, links, client: await createClient(connection, { prefix }) };
  }

  /** The links between one server and the others, both ways. */
  routesOf(server: ServerHandle): Link[] {
    const index = this.servers.servers.indexOf(server);
    const isOf = (name: string): boolean => name.split('>').includes(String(index));
    return [...this.#parts.routes].filter(([name]) => isOf(name)).map(([, link]) => link);
  }

  /** The links that one server opens to the others, and those that others open to it. */
  routesFrom(server: ServerHandle): { readonly out: Link[]; readonly into: Link[] } {
    const index = String(this.servers.servers.indexOf(server));
    const entries = [...this.#parts.routes];
    return {
      out: entries.filter(([name]) => name.startsWith(`${index}>`)).map(([, link]) => link),
      into: entries.filter(([name]) => name.endsWith(`>${index}`)).map(([, link]) => link),
    };
  }

  /** The server that leads a stream. */
  async leaderOf(stream: string): Promise<ServerHandle> {
    const name = await this.api.leaderOf(stream);
    return this.servers.servers.find((server) => server.name === name) as ServerHandle;
  }

  /** Ends everything; what does not end in order is ended by the watchdog. */
  async close(): Promise<void> {
    const { connection, routes, servers, watchdog } = this.#parts;
    await Promise.all(this.#nodes.map((node) => this.endNode(node)));
    await Promise.all([...this.#clients].map((client) => client.connection.close().catch(() => {})));
    await connection.close().catch(() => {});
    await servers.stop();
    for (const { links } of this.#clients) for (const link of links) link.close();
    for (const link of routes.values()) link.close();
    await watchdog.end();
  }

  #openLinks(): Promise<Link[]> {
    return Promise.all(this.servers.urls.map((url) => Link.open(Number(new URL(url).port))));
  }
}
