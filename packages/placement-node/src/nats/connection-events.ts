/**
 * What happens to the connection, for the parts that must do something about it: fail what waits, ask
 * again for what the server forgot.
 */
import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';

type Listener = () => void;
type RefusalListener = (refusal: PermissionViolationError) => void;

/** Listeners to one connection's status. */
export class ConnectionEvents {
  readonly #disconnect = new Set<Listener>();
  readonly #reconnect = new Set<Listener>();
  readonly #refusal = new Set<RefusalListener>();

  constructor(connection: NatsConnection) {
    void this.#follow(connection);
  }

  /** Calls back when the connection breaks or is closed. @returns a function that ends it. */
  onDisconnect(listener: Listener): Listener {
    return subscribe(this.#disconnect, listener);
  }

  /** Calls back when the connection is back, its subscriptions already sent again. @returns a function that ends it. */
  onReconnect(listener: Listener): Listener {
    return subscribe(this.#reconnect, listener);
  }

  /** Calls back when the server refuses a subject for want of permission. @returns a function that ends it. */
  onRefusal(listener: RefusalListener): Listener {
    return subscribe(this.#refusal, listener);
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') emit(this.#disconnect, undefined);
      else if (status.type === 'reconnect') emit(this.#reconnect, undefined);
      else if (status.type === 'error' && status.error instanceof PermissionViolationError) {
        emit(this.#refusal, status.error);
      }
    }
    emit(this.#disconnect, undefined);
  }
}

function subscribe<L>(listeners: Set<L>, listener: L): Listener {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function emit<T>(listeners: Set<(event: T) => void>, event: T): void {
  for (const listener of listeners) listener(event);
}
