/**
 * The publisher: any program with a NATS client, which sends again what GitHub has sent before. It knows the plain
 * `nats` package, the subject `agents.<type>.<id>.<event>`, and how an ID is written in a subject; nothing of
 * Wakebus is imported.
 */
import { type JetStreamClient, type NatsConnection, connect } from 'nats';
import type { Delivery } from './deliveries.ts';

/** A try gets so long, in milliseconds: a server that restarts answers none of those on their way. */
const TRY_MS = 1_000;
/** Between two tries while no server answers, in milliseconds. */
const RETRY_MS = 100;

/** Publishes deliveries, each under its own message ID, until the server has stored it. */
export class Publisher {
  readonly #connection: NatsConnection;
  readonly #jetstream: JetStreamClient;

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#jetstream = connection.jetstream({ timeout: TRY_MS });
  }

  static async connect(servers: string): Promise<Publisher> {
    return new Publisher(await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: RETRY_MS }));
  }

  /**
   * Sends a delivery: the payload as GitHub sent it, and beside it the ID that GitHub puts into a header.
   *
   * @param messageId - The ID that the delivery has on the bus.
   * @returns Whether the server dropped it, because it had stored a message with this ID within its window.
   */
  async publish(delivery: Delivery, messageId: string): Promise<boolean> {
    const { agentType, agentId, event, id, payload } = delivery;
    const agent = `${agentType}.${token(agentId)}`;
    const data = JSON.stringify({ ...payload, delivery: id });
    for (;;) {
      try {
        return (await this.#jetstream.publish(`agents.${agent}.${event}`, data, { msgID: `${agent}:${messageId}` }))
          .duplicate;
      } catch {
        // It may have been stored: the same ID again cannot double it.
        if (this.#connection.isClosed()) throw new Error('the publisher was closed');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** An ID as one token of a subject: every byte outside of `[A-Za-z0-9_-]` becomes `=XX`. */
function token(id: string): string {
  return [...Buffer.from(id.normalize('NFC'))]
    .map((byte) => String.fromCharCode(byte))
    .map((character) => (/[\w-]/.test(character) ? character : `=${hex(character)}`))
    .join('');
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
}
