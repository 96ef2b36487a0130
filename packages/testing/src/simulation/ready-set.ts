/**
 * What could run now, and the draw among it.
 */
import type { Prng } from './prng.ts';
import { type Actor, type Condemn, type Entry, Lane, type Task, loseFrom } from './task.ts';

export class ReadySet {
  readonly #prng: Prng;
  readonly #entries: Entry[] = [];

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  get size(): number {
    return this.#entries.length;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Puts a task behind those that are in its lane. */
  pushTo(lane: Lane, task: Task): void {
    lane.push(task);
    if (lane.isListed) return;
    lane.isListed = true;
    this.#entries.push(lane);
  }

  /** Takes out one task, chosen by the seed; `undefined` when it has to wait, or is nobody's any more. */
  draw(): Task | undefined {
    const at = this.#prng.below(this.#entries.length);
    const entry = this.#entries[at] as Entry;
    if (entry.actor.state !== 'running' || entry.carrier?.holdsSends === true) {
      this.#take(at);
      park(entry);
      return undefined;
    }
    if (!(entry instanceof Lane)) {
      this.#take(at);
      return entry;
    }
    const task = entry.shift();
    if (entry.length === 0) {
      entry.isListed = false;
      this.#take(at);
    }
    return task;
  }

  /** Takes away the messages that a test condemns. */
  lose(condemn: Condemn): void {
    loseFrom(this.#entries, condemn);
  }

  #take(at: number): void {
    const last = this.#entries.pop() as Entry;
    if (at < this.#entries.length) this.#entries[at] = last;
  }
}

/** Puts away what cannot run now; what a gone actor would have run vanishes. */
function park(entry: Entry): void {
  if (entry.actor.state === 'gone') return;
  const holder = entry.actor.state === 'paused' ? entry.actor : (entry.carrier as Actor);
  holder.parked.push(entry);
}
