/**
 * How many effects run at once, and who comes next when there is no more room.
 *
 * Agents stand in one line, each of them once: whoever has had a slot, and wants more, goes to its end. So one
 * that plans a thousand effects keeps nobody waiting for longer than one of them takes.
 */
import type { AgentKey } from '@wakebus/protocol';

export class EffectSlots {
  readonly #most: number;
  readonly #onRoom: (key: AgentKey) => void;
  /** Agents that wait, in their order; `true` where a slot is kept for one. */
  readonly #line = new Map<AgentKey, boolean>();
  #taken = 0;
  #kept = 0;

  /** @param onRoom - Called when a slot is kept for an agent that waits. */
  constructor(most: number, onRoom: (key: AgentKey) => void) {
    this.#most = most;
    this.#onRoom = onRoom;
  }

  /** Agents that wait for a slot. */
  get waiting(): number {
    return this.#line.size - this.#kept;
  }

  isAwaitedBy(key: AgentKey): boolean {
    return this.#line.has(key);
  }

  /** Whether an agent may {@link take} a slot now. */
  hasRoom(key: AgentKey): boolean {
    return this.#line.get(key) === true || (this.waiting === 0 && this.#free > 0);
  }

  /** Takes a slot. {@link give} it back. */
  take(key: AgentKey): void {
    if (this.#line.get(key) === true) this.#kept -= 1;
    this.#line.delete(key);
    this.#taken += 1;
  }

  /** Gives a slot back. */
  give(): void {
    this.#taken -= 1;
    this.#offer();
  }

  /** Gets in line, once. */
  queue(key: AgentKey): void {
    if (!this.#line.has(key)) this.#line.set(key, false);
  }

  /** Wants none any more. */
  leave(key: AgentKey): void {
    if (this.#line.get(key) === true) this.#kept -= 1;
    if (this.#line.delete(key)) this.#offer();
  }

  get #free(): number {
    return this.#most - this.#taken - this.#kept;
  }

  #offer(): void {
    for (const [key, isKept] of this.#line) {
      if (this.#free <= 0) return;
      if (isKept) continue;
      this.#line.set(key, true);
      this.#kept += 1;
      this.#onRoom(key);
    }
  }
}
