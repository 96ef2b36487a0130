/** A behaviour in XState itself: a live actor with a simulated clock. */
import { type AnyActor, SimulatedClock, createActor, fromPromise } from 'xstate';
import { type Behaviour, type Happening, type Seen, type Side, type SnapshotLike, look } from './behaviour.ts';

interface Running {
  readonly id: string;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class LiveSide implements Side {
  readonly #clock = new SimulatedClock();
  readonly #log: string[] = [];
  readonly #running: Running[] = [];
  readonly #actor: AnyActor;
  /** With what the actor has ended, where it has. */
  error: unknown;

  constructor({ machine }: Behaviour) {
    const task = fromPromise(
      ({ self }) =>
        new Promise((resolve, reject) => {
          this.#running.push({ id: self.id, resolve, reject });
        }),
    );
    const log = (word: string): void => void this.#log.push(word);
    this.#actor = createActor(machine({ log, task }), { clock: this.#clock });
    this.#actor.subscribe({ error: (error) => (this.error = error) });
    this.#actor.start();
  }

  get seen(): Seen {
    return look(this.#actor.getSnapshot() as SnapshotLike, (child) => child.getSnapshot() as SnapshotLike, this.#log);
  }

  async take(happening: Happening): Promise<void> {
    if (typeof happening === 'number') this.#wait(happening);
    else if ('done' in happening) this.#end(happening.done as string)?.resolve(happening['output']);
    else if ('failed' in happening)
      this.#end(happening.failed as string)?.reject(new Error(happening['error'] as string));
    else this.#actor.send(happening);
    // What a promise has to say takes a few turns of the microtask queue.
    for (let i = 0; i < 10; i += 1) await Promise.resolve();
  }

  /** The simulated clock counts what is armed while it runs from where it runs to: so it runs by the millisecond. */
  #wait(ms: number): void {
    for (let i = 0; i < ms; i += 1) this.#clock.increment(1);
  }

  #end(id: string): Running | undefined {
    const at = this.#running.findIndex((running) => running.id === id);
    return at < 0 ? undefined : this.#running.splice(at, 1)[0];
  }
}
