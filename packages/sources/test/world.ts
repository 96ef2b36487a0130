/** A real server, a deployment, a placement node with an agent that keeps what it gets, and sources. */
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type Client, createClient } from '@wakebus/client';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { type DeploymentOptions, connectNats, createDeployment, startPlacementNode } from '@wakebus/placement-node';
import { type Source, type Sources, type SourcesOptions, startSources } from '@wakebus/sources';
import { expect } from 'vitest';
import { keeper } from './keeper-agent.ts';

type Connection = Awaited<ReturnType<typeof connectNats>>;

export interface World extends AsyncDisposable {
  readonly server: NatsServers;
  readonly connection: Connection;
  readonly client: Client;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Runs sources as a process of their own would: over another connection. */
  start(sources: readonly Source[], options?: SourcesOptions): Promise<Sources>;
  startNode(): Promise<void>;
  /** What an agent has got, in its order. */
  kept(id: string): Promise<readonly string[]>;
}

/** Failures come soon in tests. */
export const soon: SourcesOptions = {
  restartPauses: { firstMs: 20, mostMs: 100 },
  log: { warn: () => {} },
};

export async function startWorld(options: DeploymentOptions = {}): Promise<World> {
  const server = await startNatsServer();
  const ends: Array<() => Promise<unknown>> = [];
  const connect = async (): Promise<Connection> => {
    const connection = await connectNats({ servers: server.url });
    ends.push(() => connection.close());
    return connection;
  };
  const connection = await connect();
  await createDeployment(connection, options);
  const client = await createClient(connection);
  return {
    server,
    connection,
    client,
    js: jetstream(connection),
    jsm: await jetstreamManager(connection),
    start: async (sources, more = soon) => {
      const started = await startSources(await connect(), sources, more);
      ends.push(() => started.stop());
      return started;
    },
    startNode: async () => {
      const node = await startPlacementNode({ connection: await connect(), agents: [keeper] });
      ends.push(async () => node.close());
    },
    kept: async (id) => ((await client.inspect(`keeper/${id}`))?.context as { kept: string[] } | undefined)?.kept ?? [],
    [Symbol.asyncDispose]: async () => {
      for (const end of ends.toReversed()) await end();
      await server.stop();
    },
  };
}

/** `expect.poll` with the patience of a busy machine. */
export function eventually<T>(read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 20_000 });
}
