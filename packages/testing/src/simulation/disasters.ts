/**
 * What befalls whole processes: by rates, one look a step, or by plan.
 */
import type { MemoryServer } from '../memory/memory-server.ts';
import type { Disaster } from './faults.ts';
import type { LinkContext } from './link-context.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { Actor, type Lane } from './task.ts';

/** Who brings back what is away. */
const FATE = new Actor('fate');

export class Disasters {
  readonly #context: LinkContext;
  readonly #server: MemoryServer;
  readonly #nodes: ReadonlyMap<string, SimulatedNode>;
  #victim: SimulatedNode | undefined;
  readonly #plans = new Map<number, Array<() => void>>();
  /** What befell whom, and when, in virtual milliseconds. */
  readonly log: Array<{ readonly ms: number; readonly what: string }> = [];
  /** How to bring back what is away now. */
  readonly #away = new Map<SimulatedNode | 'server' | 'leader', () => void>();

  /** Each disaster, with whether it found somebody to strike. */
  readonly #strikes: Readonly<Record<Disaster, () => boolean>> = {
    crash: () =>
      this.#strikeNode(
        (node) => node.crash(),
        (node) => node.restart(),
      ),
    pause: () =>
      this.#strikeNode(
        (node) => node.pause(),
        (node) => node.resume(),
      ),
    cut: () =>
      this.#strikeNode(
        (node) => node.cut(),
        (node) => node.heal(),
      ),
    clockJump: () => this.#jumpClock(),
    serverRestart: () => this.restartServer(this.#someAwayMs()),
    consumerLost: () => this.#loseConsumer(),
    leaderLost: () => this.loseLeader(this.#someElectionMs()),
  };

  constructor(context: LinkContext, server: MemoryServer, nodes: ReadonlyMap<string, SimulatedNode>) {
    this.#context = context;
    this.#server = server;
    this.#nodes = nodes;
  }

  /** Does something before a step. */
  plan(step: number, action: () => void): void {
    const planned = this.#plans.get(step);
    if (planned === undefined) this.#plans.set(step, [action]);
    else planned.push(action);
  }

  /** Plans whose step has not come. */
  get unmet(): number {
    return this.#plans.size;
  }

  /** Called before each step. */
  look(): void {
    const { scheduler, faults } = this.#context;
    const planned = this.#plans.get(scheduler.steps);
    if (planned !== undefined) {
      this.#plans.delete(scheduler.steps);
      for (const action of planned) action();
    }
    if (!faults.active) return;
    for (const disaster of DISASTERS) {
      const rate = faults.rates[disaster];
      if (rate !== undefined && this.#context.prng.chance(rate)) this.#strike(disaster);
    }
  }

  /** @returns whether it did: a server that is away cannot go away. */
  restartServer(awayMs: number): boolean {
    if (this.#away.has('server')) return false;
    this.#stopServer();
    this.#returnLater('server', awayMs, () => this.#startServer());
    return true;
  }

  /** Leaves the streams without a leader for so long. @returns whether it did. */
  loseLeader(forMs: number): boolean {
    if (this.#away.has('leader')) return false;
    this.#context.isLeaderless = true;
    this.#returnLater('leader', forMs, () => {
      this.#context.isLeaderless = false;
      this.#server.restart();
    });
    return true;
  }

  /** Kills the node whose step runs now, if it is one with a program. It comes back later. */
  crashRunning(): void {
    const { scheduler } = this.#context;
    const node = [...this.#nodes.values()].find(({ link }) => link.actor === scheduler.running);
    if (node?.hasProgram !== true || node.isCrashed) return;
    node.crash();
    this.#note(`crash of ${node.name}, by what it runs`);
    this.#returnLater(node, this.#someAwayMs(), () => node.restart());
  }

  /** Brings back everything that is away. */
  end(): void {
    for (const bringBack of Array.from(this.#away.values())) bringBack();
    for (const node of this.#nodes.values()) {
      node.resume();
      node.heal();
      node.restart();
    }
  }

  #strike(disaster: Disaster): void {
    const struck = this.#strikes[disaster]();
    if (!struck) return;
    this.#context.faults.count(disaster);
    this.#note(`${disaster}${this.#victim === undefined ? '' : ` of ${this.#victim.name}`}`);
  }

  #note(what: string): void {
    this.log.push({ ms: this.#context.scheduler.nowMs, what });
    this.#victim = undefined;
  }

  #strikeNode(strike: (node: SimulatedNode) => void, bringBack: (node: SimulatedNode) => void): boolean {
    const node = this.#pickNode();
    if (node === undefined || this.#away.size >= this.#context.faults.bounds.awayAtOnce) return false;
    strike(node);
    this.#returnLater(node, this.#someAwayMs(), () => bringBack(node));
    return true;
  }

  #jumpClock(): boolean {
    const { prng, faults } = this.#context;
    const node = this.#pickNode();
    node?.jumpClock((2 * prng.fraction() - 1) * faults.bounds.clockJumpMs);
    return node !== undefined;
  }

  #loseConsumer(): boolean {
    const { prng } = this.#context;
    const { consumers } = this.#server.shards[prng.below(this.#server.shards.length)] as MemoryServer['shards'][number];
    const name = consumers.names[prng.below(consumers.names.length)];
    if (name !== undefined) consumers.delete(name);
    return name !== undefined;
  }

  /** Only nodes that have a program are struck: a test's own client is not. */
  #pickNode(): SimulatedNode | undefined {
    const candidates = [...this.#nodes.values()].filter((node) => node.hasProgram && node.isRunning && !node.isCut);
    this.#victim = candidates.length === 0 ? undefined : candidates[this.#context.prng.below(candidates.length)];
    return this.#victim;
  }

  #someAwayMs(): number {
    const [from, to] = this.#context.faults.bounds.awayMs;
    return from + this.#context.prng.fraction() * (to - from);
  }

  #someElectionMs(): number {
    const [from, to] = this.#context.faults.bounds.electionMs;
    return from + this.#context.prng.fraction() * (to - from);
  }

  #returnLater(who: SimulatedNode | 'server' | 'leader', awayMs: number, bringBack: () => void): void {
    const once = (): void => {
      if (this.#away.get(who) !== once) return;
      this.#away.delete(who);
      this.#note(`${typeof who === 'string' ? `the ${who}` : who.name} is back`);
      bringBack();
    };
    this.#away.set(who, once);
    this.#context.scheduler.postAfter(awayMs, { actor: FATE, label: 'return', run: once });
  }

  /** Everybody's connection is gone, with part of what was under way; the server's own timers wait. */
  #stopServer(): void {
    const { scheduler, server, prng } = this.#context;
    server.state = 'paused';
    const actors = [...this.#nodes.values()].map((node) => node.link.actor);
    const broken = new Set<Lane>();
    scheduler.lose(
      (task, lane) => {
        if (task.carrier === undefined) return false;
        const lost = task.actor === server || (lane !== undefined && broken.has(lane)) || prng.chance(0.5);
        if (lost && lane !== undefined) broken.add(lane);
        return lost;
      },
      [...actors, server],
    );
    for (const node of this.#nodes.values()) if (!node.isCrashed && !node.isCut) node.link.disconnect();
  }

  #startServer(): void {
    const { scheduler, server } = this.#context;
    this.#server.restart();
    scheduler.resume(server);
    for (const node of this.#nodes.values()) node.heal();
  }
}

const DISASTERS: readonly Disaster[] = [
  'crash',
  'pause',
  'cut',
  'clockJump',
  'serverRestart',
  'consumerLost',
  'leaderLost',
];
