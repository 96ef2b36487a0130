/**
 * What the demo says while it runs: one line that changes on a terminal, plain lines elsewhere.
 */

/** Where the lines go: `process.stderr`, as a rule. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** On a screen without a terminal every so many deliveries are a line. */
const LINE_EVERY = 82;

/** Tells how far a run is. */
export class Progress {
  readonly #screen: Screen;
  readonly #total: number;
  readonly #startedMs: number = Date.now();

  constructor(screen: Screen, total: number) {
    this.#screen = screen;
    this.#total = total;
  }

  /** So many deliveries are stored; the last one happened then. */
  sent(count: number, timeMs: number): void {
    const line = `${this.#elapsed()}  ${String(count).padStart(3)} of ${this.#total} deliveries, at ${day(timeMs)}`;
    if (this.#screen.isTTY === true) this.#screen.write(`\r\u001b[K${line}`);
    else if (count % LINE_EVERY === 0 || count === this.#total) this.#screen.write(`${line}\n`);
  }

  /** Something happened. */
  step(what: string): void {
    this.#screen.write(`${this.#screen.isTTY === true ? '\r\u001b[K' : ''}${this.#elapsed()}  ${what}\n`);
  }

  /** Ends the changing line. */
  end(): void {
    if (this.#screen.isTTY === true) this.#screen.write('\r\u001b[K');
  }

  #elapsed(): string {
    return `${((Date.now() - this.#startedMs) / 1000).toFixed(1).padStart(5)} s`;
  }
}

function day(timeMs: number): string {
  return timeMs === 0 ? 'an unknown time' : new Date(timeMs).toISOString().slice(0, 10);
}
