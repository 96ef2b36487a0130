/** A server, a deployment, a placement node, and a gateway with the console, for one browser. */
import { type Client, createClient } from '@wakebus/client';
import { consoleFiles } from '@wakebus/console';
import { type ServedGateway, loopbackOnly, serveGateway } from '@wakebus/gateway';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { type PlacementNode, connectNats, createDeployment, startPlacementNode } from '@wakebus/placement-node';
import { order, store, till } from './agents.ts';

type Connection = Awaited<ReturnType<typeof connectNats>>;

export class World implements AsyncDisposable {
  readonly client: Client<{ order: typeof order; shop: typeof store }>;
  readonly connection: Connection;
  readonly #server: NatsServers;
  readonly #node: PlacementNode;
  #gateway: ServedGateway;

  private constructor(parts: {
    client: World['client'];
    connection: Connection;
    server: NatsServers;
    node: PlacementNode;
    gateway: ServedGateway;
  }) {
    this.client = parts.client;
    this.connection = parts.connection;
    this.#server = parts.server;
    this.#node = parts.node;
    this.#gateway = parts.gateway;
  }

  static async start(): Promise<World> {
    const server = await startNatsServer();
    const connection = await connectNats({ servers: server.url });
    await createDeployment(connection);
    const node = await startPlacementNode({ connection, agents: [order, store] });
    const gateway = await serveGateway({ connection, authorize: loopbackOnly, console: consoleFiles() });
    const client = await createClient<{ order: typeof order; shop: typeof store }>(connection, { operator: 'a test' });
    return new World({ client, connection, server, node, gateway });
  }

  get url(): string {
    return this.#gateway.url;
  }

  /** Where a page of the console is. */
  page(path: string): string {
    return `${this.url}/console/#/${path}`;
  }

  /** Ends the gateway. */
  async stopGateway(): Promise<void> {
    await this.#gateway.close();
  }

  /** Starts it again, at the same place. */
  async startGateway(): Promise<void> {
    const port = Number(new URL(this.url).port);
    const { connection } = this;
    this.#gateway = await serveGateway({ connection, port, authorize: loopbackOnly, console: consoleFiles() });
  }

  /** Has an order placed. */
  async place(id: string, item: string = 'a lamp'): Promise<void> {
    await this.client.agent('order', id).send({ type: 'place', item });
  }

  /** Has a payment given up: the till is out of paper. @returns the number of its dead letter. */
  async lose(id: string, cents: number): Promise<number> {
    till.isMended = false;
    await this.client.agent('order', id).send({ type: 'pay', cents });
    for (;;) {
      const { messages } = await this.client.deadLetters.list({ agent: `order/${id}` });
      if (messages[0] !== undefined) {
        till.isMended = true;
        return messages[0].id;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway.close();
    this.#node.close();
    await this.connection.close();
    await this.#server.stop();
  }
}
