/**
 * One NATS connection as all adapters share it: its requests, its events, its fire-and-forget publishes.
 */
import {
  DrainingConnectionError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
  createInbox,
} from '@nats-io/transport-node';
import { ConnectionEvents } from './connection-events.ts';
import { RequestMux } from './request-mux.ts';

/** Told of what a callback threw: a mistake in this code, or in what stands behind a port. */
export type FaultListener = (fault: unknown, subject: string) => void;

export class Link {
  readonly connection: NatsConnection;
  readonly events: ConnectionEvents;
  readonly mux: RequestMux;
  readonly #onFault: FaultListener;

  constructor(connection: NatsConnection, onFault: FaultListener) {
    this.connection = connection;
    this.#onFault = onFault;
    this.events = new ConnectionEvents(connection);
    this.mux = new RequestMux(this);
  }

  /** Whether nothing can be sent or subscribed any more. */
  get isEnding(): boolean {
    return this.connection.isClosed() || this.connection.isDraining();
  }

  /** A subject for answers, under the prefix that the connection was made with: permissions may demand one. */
  newInbox(): string {
    const { options } = this.connection as { readonly options?: { readonly inboxPrefix?: string } };
    return createInbox(options?.inboxPrefix);
  }

  /**
   * Subscribes; what the server refuses is reported as an event of the connection.
   *
   * Whatever the callback throws stays here: in the client library it would end the reader of the whole
   * connection, which then hears nothing more and says nothing of it.
   */
  subscribe(subject: string, onMessage: (message: Msg) => void): Subscription {
    return this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return;
        try {
          onMessage(message);
        } catch (fault) {
          this.#onFault(fault, message.subject);
        }
      },
    });
  }

  /** Publishes without waiting. While the connection is down or closed the message is lost, as a plain message may be at any time. */
  publish(subject: string, data: Uint8Array, headers?: MsgHdrs): void {
    if (this.connection.isClosed()) return;
    try {
      this.connection.publish(subject, data, headers === undefined ? undefined : { headers });
    } catch (error) {
      if (!(error instanceof DrainingConnectionError)) throw error;
    }
  }
}
