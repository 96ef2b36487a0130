/**
 * One node of a simulation: its ports, and what can befall the process behind them.
 *
 * A crashed node's promises never settle and its timers never fire. After {@link SimulatedNode.restart}
 * it has new ports; whoever kept the old ones holds a dead process.
 */
import type { Ports } from '@wakebus/placement-node';
import { memoryPorts } from '../memory/memory-ports.ts';
import type { MemoryServer } from '../memory/memory-server.ts';
import type { LinkContext } from './link-context.ts';
import { SimulatedLink } from './simulated-link.ts';
import type { Lane, Task } from './task.ts';

/** Starts the program of a node, at first and after each crash. */
export type StartNode = (node: SimulatedNode) => void;

export class SimulatedNode {
  readonly name: string;
  readonly #context: LinkContext;
  readonly #server: MemoryServer;
  readonly #start: StartNode | undefined;
  #link: SimulatedLink;
  #ports: Ports;
  #lives = 1;

  constructor(context: LinkContext, server: MemoryServer, name: string, start: StartNode | undefined) {
    this.name = name;
    this.#context = context;
    this.#server = server;
    this.#start = start;
    this.#link = new SimulatedLink(context, name, this.#lives);
    this.#ports = memoryPorts(server, this.#link);
    start?.(this);
  }

  /** The ports of the process that runs now, or ran last. */
  get ports(): Ports {
    return this.#ports;
  }

  get link(): SimulatedLink {
    return this.#link;
  }

  /** How often the process has been started. */
  get lives(): number {
    return this.#lives;
  }

  /** Whether it runs something that is started again after a crash. */
  get hasProgram(): boolean {
    return this.#start !== undefined;
  }

  get isRunning(): boolean {
    return this.#link.actor.state === 'running';
  }

  get isCrashed(): boolean {
    return this.#link.actor.state === 'gone';
  }

  get isCut(): boolean {
    return !this.isCrashed && !this.#link.isConnected();
  }

  /** The process is gone from one step to the next. What it had sent may arrive or not; the server notices a little later. */
  crash(): void {
    if (this.isCrashed) return;
    const { actor } = this.#link;
    const wasConnected = this.#link.isConnected();
    actor.state = 'gone';
    actor.holdsSends = false;
    const link = this.#link;
    for (const entry of actor.parked.splice(0)) this.#context.scheduler.relist(entry);
    this.#loseFrom(link, (task) => task.actor === this.#context.server);
    if (wasConnected)
      this.#context.scheduler.post({
        actor: this.#context.server,
        label: 'connection closed',
        run: () => link.disconnect(),
      });
  }

  /** Starts the program anew, with new ports. */
  restart(): void {
    if (!this.isCrashed) return;
    this.#lives += 1;
    this.#link = new SimulatedLink(this.#context, this.name, this.#lives);
    this.#ports = memoryPorts(this.#server, this.#link);
    this.#start?.(this);
  }

  /** Stops the process where it stands, as SIGSTOP does; time goes on. What it had sent may be held back too. */
  pause(): void {
    const { actor } = this.#link;
    if (actor.state !== 'running') return;
    actor.state = 'paused';
    actor.holdsSends = this.#context.prng.chance(0.5);
    this.#link.setStopped(true);
  }

  /** Lets a paused process go on, with all that it had in hand. */
  resume(): void {
    const { actor } = this.#link;
    if (actor.state !== 'paused') return;
    actor.holdsSends = false;
    this.#link.setStopped(false);
    this.#context.scheduler.resume(actor);
  }

  /** Cuts the node off from the server; both go on. What was under way is lost in part. */
  cut(): void {
    if (this.isCrashed || !this.#link.isConnected()) return;
    this.#link.disconnect();
    this.#loseFrom(this.#link, () => true);
  }

  /** Ends a cut: the node connects again. */
  heal(): void {
    if (this.isCut) this.#link.reconnect();
  }

  /** Lets the node's wall clock jump; its monotonic clock does not. */
  jumpClock(byMs: number): void {
    this.#link.wallOffsetMs += byMs;
  }

  /** Loses messages of a connection: of each lane, all from some point on. */
  #loseFrom(link: SimulatedLink, isExposed: (task: Task) => boolean): void {
    const broken = new Set<Lane>();
    const { prng, scheduler } = this.#context;
    scheduler.lose(
      (task, lane) => {
        if (task.carrier !== link.actor || !isExposed(task)) return false;
        const lost = (lane !== undefined && broken.has(lane)) || prng.chance(0.5);
        if (lost && lane !== undefined) broken.add(lane);
        return lost;
      },
      [link.actor],
    );
  }
}
