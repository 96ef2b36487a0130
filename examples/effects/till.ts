/** A till that honours idempotency keys, and is slow to answer when it takes money. */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export class Till implements AsyncDisposable {
  cents = 0;
  /** Resolves when money was taken for the first time. */
  readonly taken: Promise<void>;
  readonly #receipts = new Map<string, number>();
  readonly #server = createServer((request, response) => void this.#take(request, response));
  readonly #isTaken: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.taken = promise;
    this.#isTaken = resolve;
  }

  async open(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = String(request.headers['idempotency-key']);
    const cents = Number(await text(request));
    const known = this.#receipts.get(key);
    if (known !== undefined) {
      console.log(`the till has seen ${key} before, and takes nothing`);
      response.end(JSON.stringify({ receipt: known }));
      return;
    }
    this.cents += cents;
    this.#receipts.set(key, this.#receipts.size + 1);
    console.log(`the till has taken ${cents} cents under ${key}`);
    this.#isTaken(); // And no answer: whoever asked will never hear of it.
  }
}
