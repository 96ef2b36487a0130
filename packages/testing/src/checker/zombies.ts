/**
 * Zombies: a node whose lease has run out writes nothing any more.
 *
 * Watched as requests leave a node, because a request may arrive much later than it was sent. The server
 * keeps a lease for longer than its holder trusts it, so a holder that counts right is never seen here.
 */
import type { Simulation } from '../simulation/simulation.ts';
import type { Violation } from './run-history.ts';

/** More of the same add nothing. */
const MOST_REPORTED = 5;

export class ZombieWatch {
  readonly #simulation: Simulation;
  readonly #watched: ReadonlySet<string>;
  /** The leases that each process has ever held, over all its lives. */
  readonly #leases = new Map<string, Set<string>>();
  readonly #violations: Violation[] = [];

  constructor(simulation: Simulation) {
    const { server } = simulation;
    this.#simulation = simulation;
    const shards = server.shards.flatMap(({ inbox, timers }) => [inbox.name, timers.name]);
    this.#watched = new Set([...shards, server.agents.name, server.held.name, server.deadLetters.name]);
    server.leases.listen((key) => this.#note(key));
    simulation.onRequest = (node, { kind, way, label }) => {
      if (kind === 'write') this.#look(node, way.name, label);
    };
  }

  /** Writes of nodes that had no lease. */
  check(): readonly Violation[] {
    return this.#violations;
  }

  #note(key: string): void {
    const by = this.#simulation.server.leases.writes(key).at(-1)?.by ?? '';
    const held = this.#leases.get(by);
    if (held === undefined) this.#leases.set(by, new Set([key]));
    else held.add(key);
  }

  #look(node: string, way: string, label: string): void {
    const target = way.slice('to '.length);
    const leases = this.#leases.get(node);
    if (leases === undefined || !this.#watched.has(target) || label === 'purge') return;
    const { server, scheduler } = this.#simulation;
    for (const key of leases) if (server.leases.has(key)) return;
    if (this.#violations.length < MOST_REPORTED)
      this.#violations.push(`${node} sends "${label}" to ${target} at step ${scheduler.steps} without a lease`);
  }
}
