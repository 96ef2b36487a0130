/**
 * How many turns may wait for their commit at once, or agents be woken. Those who come later wait in order; one
 * that asks for it is alone.
 */
export class Lane {
  readonly #limit: number;
  #inside = 0;
  /** Somebody is inside who must not have company. */
  #isClosed = false;
  readonly #waiting: Waiter[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when there is room; `undefined` at once when there is. */
  enter(): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#hasRoom(false)) {
      this.#inside += 1;
      return undefined;
    }
    return this.#wait(false);
  }

  /** As {@link enter}, when nobody is inside; until {@link leave} nobody else gets in. */
  enterAlone(): Promise<void> | undefined {
    if (this.#waiting.length > 0 || !this.#hasRoom(true)) return this.#wait(true);
    this.#inside = 1;
    this.#isClosed = true;
    return undefined;
  }

  /** Work that begins when there is room. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  /** What one who is inside waits for without needing the room: others have it meanwhile, and the way back is in line again. */
  async outside<T>(work: () => Promise<T>): Promise<T> {
    this.leave();
    try {
      return await work();
    } finally {
      await this.enter();
    }
  }

  /** Makes room for the next in line. */
  leave(): void {
    this.#inside -= 1;
    this.#isClosed = false;
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.alone); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#inside += 1;
      this.#isClosed = next.alone;
      next.resolve();
    }
  }

  #hasRoom(alone: boolean): boolean {
    return !this.#isClosed && (alone ? this.#inside === 0 : this.#inside < this.#limit);
  }

  #wait(alone: boolean): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ alone, resolve }));
  }
}

interface Waiter {
  readonly alone: boolean;
  readonly resolve: () => void;
}
