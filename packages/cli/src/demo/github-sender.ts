/**
 * GitHub as it sends: each delivery signed and posted, again and again until somebody has taken it. It knows a
 * URL, a secret and its own headers; nothing of Wakebus is imported.
 */
import { sign } from '@octokit/webhooks-methods';
import type { Delivery } from './deliveries.ts';

/** GitHub waits so long for an answer, in milliseconds. */
const ANSWER_MS = 10_000;
/** Between two tries, in milliseconds. */
const RETRY_MS = 100;

/** What a receiver says of a delivery that it has taken. */
interface Taken {
  readonly duplicate: number;
}

/** Sends deliveries to one URL. */
export class GitHubSender {
  readonly #url: string;
  readonly #secret: string;
  readonly #closed = new AbortController();

  constructor(url: string, secret: string) {
    this.#url = url;
    this.#secret = secret;
  }

  /**
   * Sends a delivery, until it is taken.
   *
   * @returns Whether the receiver calls it a duplicate.
   */
  async deliver({ id, name, payload }: Delivery): Promise<boolean> {
    const body = JSON.stringify(payload);
    const headers = {
      'Content-Type': 'application/json',
      'X-GitHub-Event': name,
      'X-GitHub-Delivery': id,
      'X-Hub-Signature-256': await sign(this.#secret, body),
    };
    for (;;) {
      const answer = await this.#post(headers, body);
      if (answer?.ok === true) return ((await answer.json()) as Taken).duplicate > 0;
      if (answer !== undefined && answer.status < 500)
        throw new Error(`${id} was refused with ${answer.status}: ${await answer.text()}`);
      if (this.#closed.signal.aborted) throw new Error('the sender was closed');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Without an answer it may have been stored: the same ID again cannot double it. */
  async #post(headers: Record<string, string>, body: string): Promise<Response | undefined> {
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(ANSWER_MS)]);
    return fetch(this.#url, { method: 'POST', headers, body, signal }).catch(() => undefined);
  }

  /** Gives up what is on its way. */
  close(): void {
    this.#closed.abort();
  }
}
