/**
 * A deployment on real servers, on which traces run one after the other.
 */
import { type NatsServers } from '@wakebus/nats-server';
import { type DeploymentLimits, type Ports, connectNats, createDeployment, natsPorts } from '@wakebus/placement-node';
import type { Layout } from '@wakebus/protocol';
import { Scene } from './scene.ts';
import type { Deployment } from './side.ts';
import { TRACE_PARTITIONS } from './trace-generator.ts';

type Connection = Awaited<ReturnType<typeof connectNats>>;

/** How long servers may take to serve again after a restart, in milliseconds: a cluster elects leaders. */
const RESTART_PATIENCE_MS = 20_000;
const RETRY_MS = 50;

/** What traces are compared under: a deployment's limits, in the server's words. */
export interface LaneSetting extends DeploymentLimits {
  readonly name: string;
  readonly replicas: 1 | 3;
  readonly inboxMaxMessages: number;
  readonly inboxMaxBytes: number;
  readonly duplicateWindowMs: number;
}

export class ServerLane implements Deployment {
  readonly setting: LaneSetting;
  readonly layout: Layout;
  readonly processes: readonly [Ports, Ports];
  readonly #servers: NatsServers;
  readonly #connections: readonly Connection[];
  #scenes = 0;

  private constructor(setting: LaneSetting, servers: NatsServers, layout: Layout, connections: readonly Connection[]) {
    this.setting = setting;
    this.layout = layout;
    this.#servers = servers;
    this.#connections = connections;
    this.processes = connections.map((each) => natsPorts(each, layout)) as unknown as readonly [Ports, Ports];
  }

  /** Creates a deployment of its own. In a cluster its processes are connected to different servers. */
  static async open(servers: NatsServers, setting: LaneSetting): Promise<ServerLane> {
    const connections = await Promise.all(
      [0, 1].map((i) => connectNats({ servers: servers.urls[i] ?? servers.url, name: `trace ${i}` })),
    );
    const options = { ...setting, prefix: setting.name, partitions: TRACE_PARTITIONS };
    const layout = await createDeployment(connections[0] as Connection, options);
    return new ServerLane(setting, servers, layout, connections);
  }

  /** The names of the next trace. */
  nextScene(): Scene {
    this.#scenes += 1;
    return new Scene(this.layout, this.#scenes);
  }

  async loseConsumer(name: string): Promise<void> {
    await this.#connections[0]?.request(`$JS.API.CONSUMER.DELETE.${this.layout.inboxStream(0)}.${name}`);
  }

  async restart(): Promise<void> {
    await Promise.all(this.#servers.servers.map((server) => server.restart({ signal: 'SIGKILL' })));
    const deadlineMs = performance.now() + RESTART_PATIENCE_MS;
    for (const ports of this.processes) await untilServing(ports, deadlineMs);
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }
}

/** Every stream answers: each has a leader of its own. */
async function untilServing(ports: Ports, deadlineMs: number): Promise<void> {
  const { inboxes, timers, births, held, deadLetters, history } = ports;
  for (const log of [...inboxes, ...timers, births, held, deadLetters, history]) {
    while (!(await answers(log.info()))) {
      if (performance.now() > deadlineMs) throw new Error('The servers do not serve again after their restart');
      await sleep(RETRY_MS);
    }
  }
}

function answers(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
