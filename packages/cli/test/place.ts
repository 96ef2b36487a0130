/** A real server, and the command run in-process against it, for the tests of this folder. */
import { runCli } from '@wakebus/cli';
import { type Client, createClient } from '@wakebus/client';
import { type NatsServers, type StartOptions, startNatsServer } from '@wakebus/nats-server';
import {
  type PlacementNode,
  type PlacementNodeOptions,
  connectNats,
  startPlacementNode,
} from '@wakebus/placement-node';
import { type FakeIo, type FakeIoOptions, fakeIo } from './fake-io.ts';

/** What came of a command. */
export interface Run {
  readonly code: number;
  readonly io: FakeIo;
}

export interface Place extends AsyncDisposable {
  readonly server: NatsServers;
  readonly connection: Awaited<ReturnType<typeof connectNats>>;
  /** A process whose environment names the server, and olga as its user. */
  io(given?: FakeIoOptions): FakeIo;
  /** Runs a command. */
  run(...argv: string[]): Promise<Run>;
  /** Runs agents, in a deployment that is made for them. */
  serve(...agents: PlacementNodeOptions['agents']): Promise<{ readonly node: PlacementNode; readonly client: Client }>;
}

/** Starts a server, on which nothing is yet. */
export async function startPlace(options: StartOptions = {}): Promise<Place> {
  const server = await startNatsServer(options);
  const connection = await connectNats({ servers: server.url });
  const nodes: PlacementNode[] = [];
  const io: Place['io'] = (given = {}) =>
    fakeIo({ ...given, env: { WAKEBUS_SERVERS: server.url, USER: 'olga', ...given.env } });
  return {
    server,
    connection,
    io,
    run: async (...argv) => {
      using own = io();
      return { code: await runCli(argv, own), io: own };
    },
    serve: async (...agents) => {
      const node = await startPlacementNode({ connection, agents });
      nodes.push(node);
      return { node, client: await createClient(connection) };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map((node) => node.drain()));
      await connection.close();
      await server.stop();
    },
  };
}
