/**
 * Resources: connections and handles that effects open and the runtime closes.
 *
 * They belong to the agent on its placement node, and its effects there share them by name, while the agent is
 * awake or any of its effects runs. When it sleeps, fails or moves they are closed; what still runs then keeps
 * them until it ends. Nothing of them is durable: whoever wants one opens it.
 */
import { WakebusError } from '@wakebus/protocol';

/** How one resource is opened and closed. */
export interface ResourceFactory<T> {
  /** What it counts as: a connection to somewhere else, or a handle of this machine (a file, a process, a lock). */
  readonly kind: ResourceKind;
  readonly open: () => T | PromiseLike<T>;
  /** Called once, also when what it has opened is broken. Nobody waits for it for longer than `limits.closeMs`. */
  readonly close: (value: T) => unknown;
}

export type ResourceKind = 'connection' | 'handle';

/** What an effect opens resources by. */
export interface Resources {
  /**
   * The resource of a name: opened by the first who asks, and the same for all effects of the agent while it is open.
   * One that could not be opened is tried again by whoever asks next.
   *
   * @throws {WakebusError} `RESOURCES_CLOSED` when the effect that asks is over; what the factory throws.
   */
  open<T>(name: string, factory: ResourceFactory<T>): Promise<T>;
  /** Closes one that is broken, so that the next who asks gets a new one. */
  close(name: string): void;
}

interface Opened {
  readonly kind: ResourceKind;
  readonly value: Promise<unknown>;
  readonly close: (value: never) => unknown;
}

/** The resources that are open for one agent. */
export class ResourcePool {
  readonly #open = new Map<string, Opened>();
  /** Those that are being closed. */
  readonly #closing = new Map<Opened, Promise<void>>();
  readonly #onError: (name: string, thrown: unknown) => void;
  readonly #bound: (closed: Promise<unknown>) => Promise<unknown>;

  /**
   * @param onError - Told of what could not be closed.
   * @param bound - Bounds the time that a close may take.
   */
  constructor(
    onError: (name: string, thrown: unknown) => void,
    bound: (closed: Promise<unknown>) => Promise<unknown> = (closed) => closed,
  ) {
    this.#onError = onError;
    this.#bound = bound;
  }

  /** How many are open, those among them that are being opened or closed. */
  count(kind: ResourceKind): number {
    return [...this.#open.values(), ...this.#closing.keys()].filter((each) => each.kind === kind).length;
  }

  open<T>(name: string, { kind, open, close }: ResourceFactory<T>): Promise<T> {
    const known = this.#open.get(name);
    if (known !== undefined) return known.value as Promise<T>;
    const value = Promise.resolve().then(open);
    const opened: Opened = { kind, value, close };
    this.#open.set(name, opened);
    value.catch(() => {
      if (this.#open.get(name) === opened) this.#open.delete(name);
    });
    return value;
  }

  close(name: string): void {
    const opened = this.#open.get(name);
    if (opened === undefined) return;
    this.#open.delete(name);
    const closed = opened.value.then(
      (value) => this.#bound(Promise.resolve(value as never).then(opened.close)),
      () => {}, // Never opened: there is nothing to close.
    );
    const over = closed
      .catch((thrown: unknown) => this.#onError(name, thrown))
      .then(() => void this.#closing.delete(opened));
    this.#closing.set(opened, over);
  }

  /** Closes all. @returns when it is done; what does not close is an error of its own. */
  closeAll(): Promise<void> {
    for (const name of this.#open.keys()) this.close(name);
    return Promise.all(this.#closing.values()).then(() => undefined);
  }
}

/** Resources as one run of an effect sees them: once it is over it opens nothing more. */
export function resourcesOf(pool: () => ResourcePool, isOver: () => boolean): Resources {
  return {
    open: (name, factory) =>
      isOver() ? Promise.reject(new WakebusError('RESOURCES_CLOSED', { name })) : pool().open(name, factory),
    close: (name) => {
      if (!isOver()) pool().close(name);
    },
  };
}

/** Runs something with resources of its own, closed when it ends: what a plain actor does, outside of a placement node. */
export function withOwnResources<T>(run: (resources: Resources) => PromiseLike<T>): Promise<T> {
  let isOver = false;
  const pool = new ResourcePool(() => {});
  const resources = resourcesOf(
    () => pool,
    () => isOver,
  );
  const end = (): Promise<void> => {
    isOver = true;
    return pool.closeAll();
  };
  return Promise.resolve(resources)
    .then(run)
    .then(
      (value) => end().then(() => value),
      (error: unknown) =>
        end().then(() => {
          throw error;
        }),
    );
}
