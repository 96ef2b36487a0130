/**
 * The resources that are open in this placement node, by agent: kept while the agent is awake here or an effect
 * of it runs here, and closed at once after that.
 */
import { type Resources, ResourcePool, type ResourceKind, resourcesOf } from '@wakebus/core';
import { type AgentKey, metric } from '@wakebus/protocol';
import type { Limits } from '../limits.ts';
import type { NodeLog } from '../node-context.ts';
import { type Clock, within } from '../ports/clock.ts';
import type { Telemetry } from '../telemetry.ts';

/** For whom resources are open: agents that are awake, or effects that run on while theirs sleeps. */
export type ResourceHolder = 'agents' | 'effects';

interface ResourcesContext {
  readonly ports: { readonly clock: Clock };
  readonly limits: Pick<Limits, 'closeMs'>;
  readonly telemetry: Telemetry;
  readonly log: NodeLog;
}

/** What an agent has here. */
interface Holding {
  readonly pool: ResourcePool;
  /** Effects of the agent that run here. */
  runs: number;
}

export class AgentResources {
  readonly #context: ResourcesContext;
  readonly #isUp: (key: AgentKey) => boolean;
  readonly #holdings = new Map<AgentKey, Holding>();
  /** Of agents that hold nothing any more. */
  readonly #closing = new Map<ResourcePool, Promise<void>>();

  /** @param isUp - Whether an agent is awake here, and not failing. */
  constructor(context: ResourcesContext, isUp: (key: AgentKey) => boolean) {
    this.#context = context;
    this.#isUp = isUp;
    for (const [name, kind] of [
      [metric.openConnections, 'connection'],
      [metric.openHandles, 'handle'],
    ] as const)
      context.telemetry.observeEach(name, () =>
        (['agents', 'effects'] as const).map((holder) => [this.count(kind, holder), { holder }]),
      );
  }

  /** How many are open, those that are just being closed among the agents'. */
  count(kind: ResourceKind, holder: ResourceHolder): number {
    const held = [...this.#holdings].filter(([key]) => this.#isUp(key) === (holder === 'agents'));
    const pools = [...held.map(([, { pool }]) => pool), ...(holder === 'agents' ? this.#closing.keys() : [])];
    return pools.reduce((sum, pool) => sum + pool.count(kind), 0);
  }

  /** An effect begins to run. `leave` must be called when it is over. */
  enter(key: AgentKey): { readonly resources: Resources; readonly leave: () => void } {
    const holding = this.#holdings.get(key) ?? this.#begin(key);
    holding.runs += 1;
    let isOver = false;
    const resources = resourcesOf(
      () => holding.pool,
      () => isOver,
    );
    const leave = (): void => {
      if (isOver) return;
      isOver = true;
      holding.runs -= 1;
      this.look(key);
    };
    return { resources, leave };
  }

  /** Closes what an agent holds here, unless it is up or something of it runs. To be called whenever either may have ended. */
  look(key: AgentKey): void {
    const holding = this.#holdings.get(key);
    if (holding === undefined || holding.runs > 0 || this.#isUp(key)) return;
    this.#holdings.delete(key);
    const closed = holding.pool.closeAll().then(() => void this.#closing.delete(holding.pool));
    this.#closing.set(holding.pool, closed);
  }

  /** Resolves when all that is no longer held is closed, or given up. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing.values());
  }

  #begin(key: AgentKey): Holding {
    const { limits, log, ports } = this.#context;
    const pool = new ResourcePool(
      (name, thrown) => log.warn('a resource could not be closed', { agent: key, name, error: String(thrown) }),
      (closed) => within(ports.clock, closed, limits.closeMs),
    );
    const holding: Holding = { pool, runs: 0 };
    this.#holdings.set(key, holding);
    return holding;
  }
}
