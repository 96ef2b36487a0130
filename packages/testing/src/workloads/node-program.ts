/**
 * What runs in a simulated node: a placement node of some release, started again whenever it could not
 * start or its process died, as a supervisor would see to; and rolled to its next release.
 */
import { isWakebusError } from '@wakebus/protocol';
import { PlacementRuntime, type RuntimeOptions } from '@wakebus/placement-node';
import type { SimulatedNode } from '../simulation/simulated-node.ts';
import type { Simulation } from '../simulation/simulation.ts';

/** Wait before a placement node that could not start is started again, in milliseconds. */
const START_AGAIN_MS = 1_000;

export class NodeProgram {
  readonly #simulation: Simulation;
  readonly #releases: readonly RuntimeOptions[];
  readonly #node: SimulatedNode;
  #release = 0;
  #running: { readonly runtime: PlacementRuntime; readonly life: number } | undefined;

  /** @param releases - What it runs, one after the other. */
  constructor(simulation: Simulation, name: string, releases: readonly RuntimeOptions[]) {
    this.#simulation = simulation;
    this.#releases = releases.map((release) => ({ ...release, name }));
    this.#node = simulation.node(name, (node) => void this.#start(node));
  }

  /** Drains the placement node and starts its next release in its place, as a rolling deployment does. */
  roll(): void {
    this.#release = Math.min(this.#release + 1, this.#releases.length - 1);
    const running = this.#running;
    // A process that is dead or still starting finds the new release by itself.
    if (running === undefined || running.life !== this.#node.lives || this.#node.isCrashed) return;
    this.#running = undefined;
    void this.#replace(running.runtime);
  }

  async #replace(runtime: PlacementRuntime): Promise<void> {
    await runtime.drain();
    await this.#start(this.#node);
  }

  async #start(node: SimulatedNode): Promise<void> {
    const { ports, lives } = node;
    const release = this.#release;
    try {
      const runtime = await PlacementRuntime.start(ports, this.#releases[release] as RuntimeOptions);
      this.#running = { runtime, life: lives };
      if (release !== this.#release) this.#rollAgain();
    } catch (thrown) {
      if (isWakebusError(thrown) && thrown.next !== 'terminal')
        ports.clock.setTimer(START_AGAIN_MS, () => void this.#start(node));
      else this.#simulation.scheduler.fail(thrown as Error);
    }
  }

  /** It was rolled while it started. */
  #rollAgain(): void {
    this.#release -= 1;
    this.roll();
  }
}
