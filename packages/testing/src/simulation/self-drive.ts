/**
 * Runs what is ready by itself, for callers that just wait for promises. Time moves only when told to.
 *
 * Not for checking interleavings: what the caller does between two steps depends on when its own
 * promises settle.
 */
import type { Simulation } from './simulation.ts';

export class SelfDrive {
  readonly #simulation: Simulation;
  #running: Promise<unknown> | undefined;
  #stopped = false;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    simulation.scheduler.listen(() => this.#go());
    this.#go();
  }

  /** Lets virtual time pass, in milliseconds; what falls due in it has run when this resolves. */
  async advance(ms: number): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#running = this.#simulation.run({ forMs: ms });
    await this.#running;
    this.#running = undefined;
    this.#go();
  }

  stop(): void {
    this.#stopped = true;
    this.#simulation.scheduler.listen(undefined);
  }

  #go(): void {
    if (this.#running !== undefined || this.#stopped) return;
    this.#running = this.#settle();
  }

  async #settle(): Promise<void> {
    const { scheduler } = this.#simulation;
    await this.#simulation.run({ until: () => scheduler.isIdle });
    this.#running = undefined;
    if (!scheduler.isIdle) this.#go();
  }
}
