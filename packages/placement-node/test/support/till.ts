/** A service outside of everything that these tests break: it writes down what is asked of it. */
import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that reached the till. */
export interface TillRequest {
  readonly verb: string;
  readonly key: string;
  readonly attempt: number;
}

export class Till implements AsyncDisposable {
  readonly requests: TillRequest[] = [];
  /** Verbs that are not answered before {@link release}. What hangs has been done. */
  readonly holds = new Set<string>();
  /** Answers refused from now on. */
  refusals = 0;
  /** Requests whose caller went away before an answer. */
  left = 0;
  readonly #server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://till').searchParams;
    this.#take(
      { verb: query.get('verb') ?? '', key: query.get('key') ?? '', attempt: Number(query.get('attempt')) },
      response,
    );
  });
  #waiting: Array<() => void> = [];

  static async open(): Promise<Till> {
    const till = new Till();
    await once(till.#server.listen(0, '127.0.0.1'), 'listening');
    return till;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** How often each key was paid under. */
  paid(): readonly number[] {
    const counts = new Map<string, number>();
    for (const { verb, key } of this.requests) if (verb === 'pay') counts.set(key, (counts.get(key) ?? 0) + 1);
    return [...counts.values()];
  }

  verbs(): readonly string[] {
    return this.requests.map(({ verb }) => verb);
  }

  /** Answers what waits, and holds nothing any more. */
  release(): void {
    this.holds.clear();
    for (const answer of this.#waiting.splice(0)) answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }

  #take(request: TillRequest, response: ServerResponse): void {
    this.requests.push(request);
    const isRefused = this.refusals > 0;
    if (isRefused) this.refusals -= 1;
    response.on('close', () => (this.left += response.writableFinished ? 0 : 1));
    const answer = (): void => {
      response.statusCode = isRefused ? 503 : 200;
      response.end(JSON.stringify(isRefused ? 'busy' : this.#answerTo(request)));
    };
    if (this.holds.has(request.verb)) this.#waiting.push(answer);
    else answer();
  }

  #answerTo({ verb, key }: TillRequest): unknown {
    if (verb !== 'lookup') return verb;
    const happened = this.requests.some((other) => other.verb === 'pay' && other.key === key);
    return happened ? { happened, output: 'found' } : { happened };
  }
}
