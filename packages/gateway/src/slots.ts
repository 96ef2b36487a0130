/** Slots for what may be under way at a time. Whoever finds none is sent away at once: a queue would only hide the overload. */
import { WakebusError } from '@wakebus/protocol';

export class Slots {
  readonly #what: string;
  readonly #limit: number;
  #taken = 0;
  #onIdle: () => void = () => {};

  /** @param what - For the error: "requests". */
  constructor(what: string, limit: number) {
    this.#what = what;
    this.#limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes a slot; it must be given back. @throws {WakebusError} `OVERLOADED`. */
  take(): void {
    if (this.#taken >= this.#limit) throw new WakebusError('OVERLOADED', { what: this.#what, limit: this.#limit });
    this.#taken += 1;
  }

  give(): void {
    this.#taken -= 1;
    if (this.#taken === 0) this.#onIdle();
  }

  /** Resolves when none is taken. For one who waits. */
  async idle(): Promise<void> {
    if (this.#taken > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  /** Holds a slot while work lasts. @throws {WakebusError} `OVERLOADED`. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.take();
    try {
      return await work();
    } finally {
      this.give();
    }
  }
}

/** Slots of their own for each of many names; a name costs nothing while it holds none. */
export class NamedSlots {
  readonly #what: string;
  readonly #limit: number;
  readonly #byName = new Map<string, Slots>();

  constructor(what: string, limit: number) {
    this.#what = what;
    this.#limit = limit;
  }

  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const slots = this.#byName.get(name) ?? new Slots(this.#what, this.#limit);
    this.#byName.set(name, slots);
    try {
      return await slots.during(work);
    } finally {
      if (slots.taken === 0) this.#byName.delete(name);
    }
  }
}
