/**
 * Plain messages: at most once, to whoever listens now, and an answer at once where nobody does.
 */
import type { Headers } from '@wakebus/protocol';
import type { ServerEnvironment } from './environment.ts';
import { subjectTest } from './subjects.ts';

/** A plain message on its way. */
export interface BrokerMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Headers;
  /** Takes an answer; absent where none is wanted. */
  readonly reply?: (data: Uint8Array) => void;
}

export interface Listener {
  readonly filter: string;
  /** Whether the server knows of it: not while its connection is gone. */
  readonly isActive: () => boolean;
  readonly deliver: (message: BrokerMessage) => void;
}

export class MemoryBroker {
  readonly #environment: ServerEnvironment;
  readonly #listeners = new Set<Listener>();

  constructor(environment: ServerEnvironment) {
    this.#environment = environment;
  }

  subscribe(listener: Listener): void {
    this.#listeners.add(listener);
  }

  unsubscribe(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** @returns whether anybody listens, whether or not the message then arrives. */
  publish(message: BrokerMessage): boolean {
    const reached = [...this.#listeners].filter(
      ({ filter, isActive }) => isActive() && subjectTest(filter)(message.subject),
    );
    for (const listener of reached) {
      if (!this.#environment.hits('plainLost')) listener.deliver(message);
    }
    return reached.length > 0;
  }
}
