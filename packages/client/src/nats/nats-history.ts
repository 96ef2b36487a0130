/** {@link HistoryPort} over the history stream. */
import type { HistoryPort } from '../ports.ts';
import { type DirectPage, readDirectPage } from './direct-page.ts';
import { callApi, orUnavailable } from './jetstream-api.ts';
import type { RequestMux } from './request-mux.ts';

export class NatsHistory implements HistoryPort {
  readonly #mux: RequestMux;
  readonly #stream: string;

  constructor(mux: RequestMux, stream: string) {
    this.#mux = mux;
    this.#stream = stream;
  }

  async read(filter: string, fromSeq: number, limit: number): Promise<DirectPage['messages']> {
    const page = readDirectPage(this.#mux, this.#stream, { filter, after: fromSeq - 1, limit });
    return (await orUnavailable(`The stream ${this.#stream}`, page)).messages;
  }

  async info(): Promise<{ readonly lastSeq: number }> {
    const info = callApi<{ readonly state: { readonly last_seq: number } }>(this.#mux, `STREAM.INFO.${this.#stream}`);
    return { lastSeq: (await orUnavailable(`The stream ${this.#stream}`, info)).state.last_seq };
  }
}
