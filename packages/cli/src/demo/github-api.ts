/**
 * GitHub as it is written to: takes summaries, and counts them. It runs in the demo's own process, where no fault
 * comes; but it loses some answers itself, so that whoever waits for them must ask again.
 */
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Summary } from './machines/ledger.ts';

/** Of so many summaries it loses one answer. */
const LOSES_ONE_IN = 10;
/** It thinks for so long, in milliseconds: about as long as the real one, so that faults find requests on their way. */
const THINKS_MS = 50;

/** What was posted, as far as the receiver knows. */
export interface Posted {
  /** Address of the agent that each post is about, in order. */
  readonly posts: readonly string[];
  readonly keys: number;
  /** Requests under a key that it had seen before. */
  readonly repeats: number;
}

/** A server for summaries. */
export class GitHubApi {
  readonly #server: Server;
  /** What a receiver that honours keys has answered to each. */
  readonly #answers = new Map<string, number>();
  readonly #honoursKeys: boolean;
  #posts: readonly string[] = [];
  #repeats = 0;

  private constructor(honoursKeys: boolean) {
    this.#honoursKeys = honoursKeys;
    // A request may break off: whoever sends it may be killed.
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** @param honoursKeys - Whether what comes under a key again does nothing, and gets the first answer. */
  static async open(honoursKeys: boolean): Promise<GitHubApi> {
    const api = new GitHubApi(honoursKeys);
    await once(api.#server.listen(0, '127.0.0.1'), 'listening');
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/summaries`;
  }

  get posted(): Posted {
    return { posts: this.#posts, keys: this.#answers.size, repeats: this.#repeats };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = String(request.headers['idempotency-key']);
    const { about } = (await json(request)) as Summary;
    const known = this.#answers.get(key);
    if (known !== undefined) this.#repeats += 1;
    const id = known !== undefined && this.#honoursKeys ? known : this.#post(about);
    this.#answers.set(key, id);
    await new Promise((resolve) => setTimeout(resolve, THINKS_MS));
    if (known === undefined && id % LOSES_ONE_IN === 0) response.destroy();
    else response.end(JSON.stringify({ id }));
  }

  #post(about: string): number {
    this.#posts = [...this.#posts, about];
    return this.#posts.length;
  }
}
