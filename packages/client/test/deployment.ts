/** A real server with a deployment, for the tests of this folder. */
import { type AgentMap, type Client, createClient } from '@wakebus/client';
import { type NatsServers, type StartOptions, startNatsServer } from '@wakebus/nats-server';
import {
  type DeploymentOptions,
  type PlacementNode,
  type PlacementNodeOptions,
  connectNats,
  createDeployment,
  startPlacementNode,
} from '@wakebus/placement-node';

type Connection = Awaited<ReturnType<typeof connectNats>>;

/** Everything that runs; `stop` ends it. */
export interface TestDeployment<TAgents extends AgentMap = AgentMap> extends AsyncDisposable {
  readonly server: NatsServers;
  readonly connection: Connection;
  readonly client: Client<TAgents>;
  /** Another client on a connection of its own, as another process would have. */
  anotherClient(): Promise<Client<TAgents>>;
  startNode(agents: PlacementNodeOptions['agents']): Promise<PlacementNode>;
}

/** Starts a server and creates a deployment on it. */
export async function startDeployment<TAgents extends AgentMap = AgentMap>(
  options: DeploymentOptions = {},
  serverOptions: StartOptions = {},
): Promise<TestDeployment<TAgents>> {
  const server = await startNatsServer(serverOptions);
  const connections: Connection[] = [];
  const nodes: PlacementNode[] = [];
  const connect = async (): Promise<Connection> => {
    const connection = await connectNats({ servers: server.url });
    connections.push(connection);
    return connection;
  };
  const prefix = options.prefix === undefined ? {} : { prefix: options.prefix };
  const connection = await connect();
  await createDeployment(connection, options);
  return {
    server,
    connection,
    client: await createClient<TAgents>(connection, prefix),
    anotherClient: async () => createClient<TAgents>(await connect(), prefix),
    startNode: async (agents) => {
      const node = await startPlacementNode({ connection: await connect(), agents, ...prefix });
      nodes.push(node);
      return node;
    },
    [Symbol.asyncDispose]: async () => {
      for (const node of nodes) node.close();
      await Promise.all(connections.map((each) => each.close()));
      await server.stop();
    },
  };
}

/** What a promise was rejected with. */
export async function failure(work: Promise<unknown>): Promise<{ code: string; message: string; facts: unknown }> {
  return work.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error: { code: string; message: string; facts: unknown }) => error,
  );
}
