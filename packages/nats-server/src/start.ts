/**
 * Starts one server or a cluster of three on loopback, for development, tests and benchmarks.
 *
 * No accounts, no TLS: a server for production is configured by its operator, not here.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ClusterConfig } from './config.ts';
import { findNatsServer } from './find.ts';
import { drawFreePorts } from './ports.ts';
import { Server, type ServerHandle } from './server.ts';
import { Watchdog } from './watchdog.ts';

/** How {@link startNatsServer} starts its servers. */
export interface StartOptions {
  /** The client port; a cluster takes this one and the next two. @default Free ports, so that tests run side by side */
  readonly port?: number;
  /** Where streams are kept; it survives `stop()`. @default A temporary folder that goes with the servers */
  readonly storeDir?: string;
  /** Three servers with JetStream replicated among them, in place of one. @default false */
  readonly cluster?: boolean;
  /** When streams are flushed to disk: `'always'`, or a duration such as `'10s'`. @default The server's own, two minutes: nothing here outlives a power cut */
  readonly syncInterval?: string;
  /** The largest message, in bytes. @default 8,388,608: control replies may be larger than events, whose limit is Wakebus's own */
  readonly maxPayloadBytes?: number;
  /** More configuration, in the server's own syntax. @default None */
  readonly config?: string;
  /**
   * Where one server of a cluster reaches another, in place of the other's own route port: a proxy, so that
   * a test can cut them apart. Servers then keep their real addresses to themselves, also from clients.
   *
   * @default They reach each other directly
   */
  readonly routeVia?: (route: Route) => Promise<number>;
  /** The binary. @default What {@link findNatsServer} finds or fetches */
  readonly binary?: string;
  /** How long a server may take to be ready, in milliseconds. @default 20,000: a cluster on a busy machine elects in 5 s */
  readonly startTimeoutMs?: number;
}

/** The way from one server of a cluster to another; servers are counted from 0. */
export interface Route {
  readonly from: number;
  readonly to: number;
  /** Where the other one listens for it, on 127.0.0.1. */
  readonly port: number;
}

/** Running servers. */
export interface NatsServers extends AsyncDisposable {
  /** The first server's URL. */
  readonly url: string;
  /** Every server's URL, for a client's `servers` option. */
  readonly urls: readonly string[];
  /** The servers one by one, for fault tests. */
  readonly servers: readonly ServerHandle[];
  /** The processes as they are now. */
  readonly pids: readonly number[];
  /** Where streams are kept. In a cluster each server has a folder of its own below. */
  readonly storeDir: string;
  /** Stops every server and removes what was temporary. Safe to call twice. */
  stop(): Promise<void>;
}

/** From here on, nothing listens on as many ports as a cluster has servers: they are of services long gone. */
const nowherePort = 2;

/** How often other ports are drawn when another process was quicker to take one. */
const mostDraws = 5;

/**
 * Starts a NATS server with JetStream and waits until it can be used.
 *
 * The servers end with this process, however it ends.
 *
 * @param options - Ports, store, cluster.
 * @returns The running servers; `stop()` them, or use `await using`.
 * @throws NatsServerError `SERVER_NOT_FOUND`, `SERVER_TOO_OLD`, `SERVER_START_FAILED`, `SERVER_START_TIMEOUT`. Nothing is left running then.
 */
export async function startNatsServer(options: StartOptions = {}): Promise<NatsServers> {
  const binary = await findNatsServer({ binary: options.binary });
  for (let draw = 1; ; draw += 1) {
    const group = await ServerGroup.launch(binary, options);
    try {
      await group.ready();
      return group;
    } catch (error) {
      const again = options.port === undefined && draw < mostDraws && group.lostAPort();
      await group.stop();
      if (!again) throw error;
    }
  }
}

/** The servers of one call, their watchdog and their folder. */
class ServerGroup implements NatsServers {
  readonly servers: readonly Server[];
  readonly storeDir: string;
  readonly #watchdog: Watchdog;

  private constructor(servers: readonly Server[], storeDir: string, watchdog: Watchdog) {
    this.servers = servers;
    this.storeDir = storeDir;
    this.#watchdog = watchdog;
  }

  static async launch(binary: string, options: StartOptions): Promise<ServerGroup> {
    const size = options.cluster ? 3 : 1;
    const ports = await choosePorts(size, options.port);
    const folder = mkdtempSync(join(tmpdir(), 'wakebus-nats-'));
    const watchdog = new Watchdog(folder);
    const storeDir = resolve(options.storeDir ?? join(folder, 'store'));
    const clusters = await Promise.all(ports.cluster.map((_, index) => clusterOf(index, ports.cluster, options)));
    const servers = ports.client.map((port, index) => {
      const name = `n${index + 1}`;
      const config = {
        name,
        port,
        monitorPort: ports.monitor[index] as number,
        storeDir: size > 1 ? join(storeDir, name) : storeDir,
        maxPayloadBytes: options.maxPayloadBytes ?? 8 * 1024 * 1024,
        syncInterval: options.syncInterval,
        cluster: size > 1 ? clusters[index] : undefined,
        extra: options.config ?? '',
      };
      return new Server(config, { binary, watchdog, folder, startTimeoutMs: options.startTimeoutMs ?? 20_000 });
    });
    for (const server of servers) server.launch();
    return new ServerGroup(servers, storeDir, watchdog);
  }

  get url(): string {
    return this.urls[0] as string;
  }

  get urls(): readonly string[] {
    return this.servers.map((server) => server.url);
  }

  get pids(): readonly number[] {
    return this.servers.map((server) => server.pid);
  }

  async ready(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.ready()));
  }

  lostAPort(): boolean {
    return this.servers.some((server) => server.lostItsPort());
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
    await this.#watchdog.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * How one server of a cluster finds the others.
 *
 * Of two servers behind proxies the later one connects. Did both, each would take the other's connection
 * for a duplicate of its own, again and again: behind a proxy neither can tell that they are a pair. JetStream
 * counts the routes that are configured, so the earlier one has one that leads nowhere.
 */
async function clusterOf(from: number, ports: readonly number[], { routeVia }: StartOptions): Promise<ClusterConfig> {
  const others = ports.map((port, to) => ({ from, to, port })).filter(({ to }) => to !== from);
  if (routeVia === undefined)
    return { port: ports[from] as number, routes: others.map(({ port }) => port), isHidden: false };
  const routes = others.map(async (route) => (route.to < from ? routeVia(route) : nowherePort + route.to));
  return { port: ports[from] as number, routes: await Promise.all(routes), isHidden: true };
}

/** Client, monitoring and route ports; only the first can be asked for. */
async function choosePorts(
  size: number,
  first: number | undefined,
): Promise<{ client: number[]; monitor: number[]; cluster: number[] }> {
  const drawn = await drawFreePorts(size * 3);
  const client = first === undefined ? drawn.slice(0, size) : Array.from({ length: size }, (_, index) => first + index);
  return { client, monitor: drawn.slice(size, size * 2), cluster: drawn.slice(size * 2) };
}
