/**
 * Ctrl-C while the demo runs: the first one ends it in order, a second one at once. Either way nothing is left.
 */

/** A Ctrl-C at a terminal reaches a program more than once when those that started it hand it on, too. Within so long, in milliseconds, it is the same. */
const SAME_MS = 500;
/** 128 and the signal's number, as shells have it. */
const EXIT_CODE = 130;

/** Listens for SIGINT and SIGTERM until it is disposed of. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  #atMs: number | undefined;
  readonly #listener = (): void => this.#onSignal();

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, this.#listener);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, this.#listener);
  }

  #onSignal(): void {
    if (this.#atMs !== undefined && Date.now() - this.#atMs > SAME_MS) process.exit(EXIT_CODE);
    this.#atMs ??= Date.now();
    this.#controller.abort();
  }
}
