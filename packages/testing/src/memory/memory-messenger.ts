/**
 * {@link Messenger} over the plain messages of the memory server.
 */
import type { Messenger, PlainMessage, Subscription } from '@wakebus/placement-node';
import type { Headers } from '@wakebus/protocol';
import type { Link, Way } from './environment.ts';
import type { BrokerMessage, Listener, MemoryBroker } from './memory-broker.ts';

export class MemoryMessenger implements Messenger {
  readonly #broker: MemoryBroker;
  readonly #link: Link;
  readonly #out: Way;
  readonly #in: Way;

  constructor(broker: MemoryBroker, link: Link) {
    this.#broker = broker;
    this.#link = link;
    this.#out = link.toServer('plain');
    this.#in = link.toNode('plain');
  }

  publish(subject: string, data: Uint8Array, headers: Headers = {}): void {
    const message = { subject, data: data.slice(), headers };
    this.#link.send(this.#out, 'publish', () => {
      this.#broker.publish(message);
    });
  }

  request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array | undefined> {
    const copy = data.slice();
    return new Promise((resolve) => {
      const timer = this.#link.clock.setTimer(timeoutMs, () => resolve(undefined));
      const answer = (bytes: Uint8Array | undefined): void => {
        this.#link.deliver(this.#in, 'answer', () => {
          timer.cancel();
          resolve(bytes);
        });
      };
      this.#link.send(this.#out, 'request', () => {
        if (!this.#broker.publish({ subject, data: copy, headers: {}, reply: answer })) answer(undefined);
      });
    });
  }

  subscribe(subject: string, onMessage: (message: PlainMessage) => void): Subscription {
    let stopped = false;
    const listener: Listener = {
      filter: subject,
      isActive: () => this.#link.isConnected(),
      deliver: (message) =>
        this.#link.deliver(this.#in, 'plain message', () => {
          if (!stopped) onMessage(this.#toPlain(message));
        }),
    };
    this.#link.send(this.#out, 'subscribe', () => this.#broker.subscribe(listener));
    const unsubscribe = (): void => this.#broker.unsubscribe(listener);
    const endReconnect = this.#link.onReconnect(() =>
      this.#link.send(this.#out, 'subscribe', () => this.#broker.subscribe(listener)),
    );
    const endDisconnect = this.#link.onDisconnect(unsubscribe);
    return {
      stop: () => {
        stopped = true;
        endReconnect();
        endDisconnect();
        this.#link.send(this.#out, 'unsubscribe', unsubscribe);
      },
    };
  }

  #toPlain({ subject, data, headers, reply }: BrokerMessage): PlainMessage {
    const respond = (answer: Uint8Array): void => {
      const copy = answer.slice();
      if (reply !== undefined) this.#link.send(this.#out, 'respond', () => reply(copy));
    };
    return { subject, data: data.slice(), headers, respond };
  }
}
