/**
 * Fixtures of the port contracts over a real server: one server a file, a deployment a test, a
 * connection a process.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import type { MakeFixture } from '@wakebus/testing/contracts';
import { afterAll, beforeAll } from 'vitest';
import { connectNats } from '../../src/nats/connect.ts';
import { createDeployment } from '../../src/nats/deployment.ts';
import { natsPorts } from '../../src/nats/nats-ports.ts';

/** Starts a server before the tests of a file, and makes fixtures on it. */
export function natsFixtures(): MakeFixture {
  let server: NatsServers;
  let deployments = 0;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server.stop());
  return async ({ partitions = 4, ...limits } = {}) => {
    const connections: NatsConnection[] = [];
    const connect = async (): Promise<NatsConnection> => {
      const connection = await connectNats({ servers: server.url });
      connections.push(connection);
      return connection;
    };
    deployments += 1;
    const layout = await createDeployment(await connect(), {
      prefix: `contract-${deployments}`,
      partitions,
      ...limits,
    });
    return {
      ports: natsPorts(connections[0] as NatsConnection, layout),
      another: async () => natsPorts(await connect(), layout),
      advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      close: async () => {
        await Promise.all(connections.map((connection) => connection.close()));
      },
    };
  };
}
