/** {@link Messenger} over core NATS. */
import type { Msg } from '@nats-io/transport-node';
import type { Headers } from '@wakebus/protocol';
import type { Messenger, PlainMessage, Subscription } from '../ports/messenger.ts';
import type { Link } from './link.ts';
import { HeaderLines } from './wire-headers.ts';
import { ownData, readHeaders } from './wire-message.ts';

export class NatsMessenger implements Messenger {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  publish(subject: string, data: Uint8Array, headers?: Headers): void {
    this.#link.publish(subject, data, headers === undefined ? undefined : new HeaderLines().addAll(headers).toWire());
  }

  request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const onReply = (message: Msg): boolean => (resolve(ownData(message)), false);
      this.#link.mux.send(subject, data, { onReply, onFailure: () => resolve(undefined) }, { timeoutMs });
    });
  }

  subscribe(subject: string, onMessage: (message: PlainMessage) => void): Subscription {
    const { connection } = this.#link;
    const subscription = this.#link.subscribe(subject, (message) => onMessage(this.#toPlain(message)));
    return { stop: () => connection.isClosed() || subscription.unsubscribe() };
  }

  #toPlain(message: Msg): PlainMessage {
    const reply = message.reply ?? '';
    return {
      subject: message.subject,
      data: ownData(message),
      headers: readHeaders(message).headers,
      respond: (data) => {
        if (reply !== '') this.#link.publish(reply, data);
      },
    };
  }
}
