/**
 * Fixtures of the port contracts over a real server: one server a file, a deployment a test, a
 * connection a process.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Layout } from '@wakebus/protocol';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import type { MakeFixture } from '@wakebus/testing/contracts';
import { afterAll, beforeAll } from 'vitest';
import { connectNats } from '../../src/nats/connect.ts';
import { type DeploymentOptions, createDeployment } from '../../src/nats/deployment.ts';
import { natsPorts } from '../../src/nats/nats-ports.ts';

/** A deployment of one test, and connections that go with it. */
export interface NatsScene {
  readonly layout: Layout;
  /** The first one. */
  readonly connection: NatsConnection;
  readonly connect: () => Promise<NatsConnection>;
  readonly close: () => Promise<void>;
}

/** Starts a server before the tests of a file, and makes deployments on it. */
export function natsScenes(): (options?: Omit<DeploymentOptions, 'prefix'>) => Promise<NatsScene> {
  let server: NatsServers;
  let deployments = 0;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server.stop());
  return async (options) => {
    const connections: NatsConnection[] = [];
    const connect = async (): Promise<NatsConnection> => {
      const connection = await connectNats({ servers: server.url });
      connections.push(connection);
      return connection;
    };
    deployments += 1;
    const connection = await connect();
    return {
      layout: await createDeployment(connection, { ...options, prefix: `contract-${deployments}` }),
      connection,
      connect,
      close: async () => {
        await Promise.all(connections.map((each) => each.close()));
      },
    };
  };
}

/** The same as ports, for their contracts. */
export function natsFixtures(): MakeFixture {
  const open = natsScenes();
  return async ({ partitions = 4, ...limits } = {}) => {
    const { close, connect, connection, layout } = await open({ partitions, ...limits });
    return {
      ports: natsPorts(connection, layout),
      another: async () => natsPorts(await connect(), layout),
      advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      close,
    };
  };
}
