/** A service's HTTP interface on this machine: it records what it is asked, and can be told to fail. */
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Its JSON; `undefined` without a body. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What becomes of the next request: an answer without doing it, or no answer before or after it was done. */
export type FakeFault = FakeAnswer | 'lost before' | 'lost after';

export interface FakeTime {
  nowMs(): number;
}

export abstract class FakeService implements AsyncDisposable {
  readonly requests: FakeRequest[] = [];
  readonly faults: FakeFault[] = [];
  readonly time: FakeTime;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));
  #url = '';

  constructor(time: FakeTime = { nowMs: () => Date.now() }) {
    this.time = time;
  }

  get url(): string {
    return this.#url;
  }

  async open(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }

  /** Does what is asked. */
  protected abstract answer(request: FakeRequest): FakeAnswer | Promise<FakeAnswer>;

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming);
    this.requests.push(request);
    const fault = this.faults.shift();
    if (fault === 'lost before') return void response.destroy();
    const answer = typeof fault === 'object' ? fault : await this.answer(request);
    if (fault === 'lost after') return void response.destroy();
    const { status, headers, body } = answer;
    const isText = typeof body === 'string';
    response.writeHead(status, { 'Content-Type': isText ? 'text/plain' : 'application/json', ...headers });
    response.end(body === undefined ? '' : isText ? body : JSON.stringify(body));
  }
}

async function read(incoming: IncomingMessage): Promise<FakeRequest> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://fake');
  const body = await text(incoming);
  const isJson = (incoming.headers['content-type'] ?? '').startsWith('application/json');
  return {
    method: incoming.method ?? '',
    path: decodeURIComponent(pathname),
    query: searchParams,
    headers: incoming.headers,
    body: isJson ? (JSON.parse(body) as Record<string, unknown>) : undefined,
  };
}

/** Whether messages to a place come too fast: at most so many in a time. */
export class FakeFlood {
  readonly #most: number;
  readonly #withinMs: number;
  readonly #time: FakeTime;
  readonly #sent = new Map<string, number[]>();

  constructor(most: number, withinMs: number, time: FakeTime) {
    this.#most = most;
    this.#withinMs = withinMs;
    this.#time = time;
  }

  /** @returns how long to wait, in milliseconds; 0 when it is taken. */
  count(place: string): number {
    const nowMs = this.#time.nowMs();
    const sent = (this.#sent.get(place) ?? []).filter((atMs) => atMs > nowMs - this.#withinMs);
    this.#sent.set(place, sent);
    if (sent.length >= this.#most) return (sent[0] as number) + this.#withinMs - nowMs;
    sent.push(nowMs);
    return 0;
  }

  /** How many more are taken before the first of those counted is forgotten, and when that is, in milliseconds. */
  left(place: string): { readonly count: number; readonly resetMs: number } {
    const sent = this.#sent.get(place) ?? [];
    return { count: this.#most - sent.length, resetMs: (sent[0] ?? 0) + this.#withinMs - this.#time.nowMs() };
  }
}
