/** What each test stands on: a server, a collector, and a client. */
import { type Client, createClient } from '@wakebus/client';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { connectNats, createDeployment } from '@wakebus/placement-node';
import { afterEach, beforeEach } from 'vitest';
import { ChainNode } from './chain-node.ts';
import { OtlpReceiver } from './otlp-receiver.ts';

type Connection = Awaited<ReturnType<typeof connectNats>>;

/** One test's parts. Nodes are the test's own to end. */
export class Scene {
  readonly receiver: OtlpReceiver;
  readonly client: Client;
  readonly #nats: NatsServers;
  readonly #connection: Connection;

  private constructor(parts: Pick<Scene, 'receiver' | 'client'>, nats: NatsServers, connection: Connection) {
    this.receiver = parts.receiver;
    this.client = parts.client;
    this.#nats = nats;
    this.#connection = connection;
  }

  static async open(): Promise<Scene> {
    const nats = await startNatsServer();
    const receiver = await OtlpReceiver.start();
    const connection = await connectNats({ servers: nats.url });
    await createDeployment(connection);
    return new Scene({ receiver, client: await createClient(connection) }, nats, connection);
  }

  /** Starts a placement node that exports to the collector. */
  startNode(env: Readonly<Record<string, string>>): Promise<ChainNode> {
    return ChainNode.start(this.#nats.url, { OTEL_EXPORTER_OTLP_ENDPOINT: this.receiver.url, ...env });
  }

  async close(): Promise<void> {
    await this.#connection.close();
    await this.receiver[Symbol.asyncDispose]();
    await this.#nats.stop();
  }
}

/** A scene for each test of a file. */
export function useScene(): () => Scene {
  let scene: Scene | undefined;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene?.close());
  return () => scene as Scene;
}
