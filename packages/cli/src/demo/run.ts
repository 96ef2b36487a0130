/**
 * One run: sends the deliveries in order while the faults of the plan happen.
 *
 * The faults go on beside the sending. Each is awaited before the run ends, so that what it has broken is
 * broken before the states are read.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type AgentKey, addressOf, agentKey } from '@wakebus/protocol';
import { type Delivery, addressOfDelivery } from './deliveries.ts';
import type { Plan } from './plan.ts';
import type { Progress } from './progress.ts';
import type { Stage } from './stage.ts';

/** What happened, as far as the publisher and the faults know. */
export interface Outcome {
  /** Deliveries sent a second time, and those of them that the server dropped. */
  readonly atOnce: Repeats;
  /** The same, after the server's duplicate window. */
  readonly later: Repeats;
  /** The agent on whose commit the paused node stood still, and for how long. */
  readonly paused: { readonly address: string; readonly forMs: number } | undefined;
  /** First sendings that the server had to be asked for more than once. */
  readonly retried: number;
  /** Subjects of messages that nobody had acknowledged at the end. */
  readonly waiting: readonly string[];
  /** What placement nodes said that did not leave in order. */
  readonly complaints: readonly string[];
}

/** Second sendings, and those of them that the server dropped. */
export interface Repeats {
  sent: number;
  dropped: number;
}

/** What should happen is waited for so long, in milliseconds, before the demo goes on without it. */
const PATIENCE_MS = 25_000;
/** Between two looks at a condition, in milliseconds. */
const LOOK_MS = 50;

/** A run over a stage. */
export class Run {
  readonly #stage: Stage;
  readonly #plan: Plan;
  readonly #deliveries: readonly Delivery[];
  readonly #progress: Progress;
  readonly #signal: AbortSignal;
  readonly #atOnce: Repeats = { sent: 0, dropped: 0 };
  readonly #later: Repeats = { sent: 0, dropped: 0 };
  /** Deliveries to repeat, with the time from which on, in order. */
  #due: ReadonlyArray<{ readonly delivery: Delivery; readonly atMs: number }> = [];
  #faults: ReadonlyArray<Promise<void>> = [];
  #paused: Outcome['paused'];
  #retried = 0;
  #sent = 0;
  #isPaused = false;

  constructor(stage: Stage, plan: Plan, deliveries: readonly Delivery[], progress: Progress, signal: AbortSignal) {
    this.#stage = stage;
    this.#plan = plan;
    this.#deliveries = deliveries;
    this.#progress = progress;
    this.#signal = signal;
  }

  /** Runs to the end: all sent, every fault over, nothing waiting, both placement nodes drained. */
  async run(): Promise<Outcome> {
    for (const [index, delivery] of this.#deliveries.entries()) {
      this.#startFaults(index);
      if (index >= this.#plan.pauseFrom && !this.#isPaused) await this.#armFor(index);
      await this.#send(index, delivery);
      await this.#repeatDue(Date.now());
      await this.#pause(this.#plan.times.paceMs);
    }
    await this.#stage.sleeper.arm(undefined);
    this.#startFaults(this.#deliveries.length);
    for (const { atMs } of this.#due.slice(-1)) await this.#pause(atMs - Date.now());
    await this.#repeatDue(Number.POSITIVE_INFINITY);
    await Promise.all(this.#faults);
    await this.#until(async () => (await this.#waiting()).length === 0);
    const waiting = await this.#waiting();
    const complaints = await this.#drain();
    const [atOnce, later, paused, retried] = [this.#atOnce, this.#later, this.#paused, this.#retried];
    return { atOnce, later, paused, retried, waiting, complaints };
  }

  async #send(index: number, delivery: Delivery): Promise<void> {
    const { tries } = await this.#stage.publisher.publish(delivery);
    this.#sent = index + 1;
    if (tries > 1) this.#retried += 1;
    this.#progress.sent(this.#sent, delivery.orderMs);
    const { doubledAtOnce, doubledLater, times } = this.#plan;
    if (doubledLater.has(index)) this.#due = [...this.#due, { delivery, atMs: Date.now() + times.windowMs * 1.1 + 100 }];
    if (!doubledAtOnce.has(index)) return;
    await this.#pause(times.forgetMs);
    await this.#repeat(delivery, this.#atOnce);
  }

  async #repeatDue(nowMs: number): Promise<void> {
    const due = this.#due.filter(({ atMs }) => atMs <= nowMs);
    this.#due = this.#due.filter(({ atMs }) => atMs > nowMs);
    for (const { delivery } of due) await this.#repeat(delivery, this.#later);
  }

  async #repeat(delivery: Delivery, repeats: Repeats): Promise<void> {
    const { duplicate } = await this.#stage.publisher.publish(delivery);
    repeats.sent += 1;
    if (duplicate) repeats.dropped += 1;
  }

  #startFaults(index: number): void {
    if (index === this.#plan.killAt) this.#start(this.#killAndReplace());
    if (index === this.#plan.restartAt) this.#start(this.#restartServer());
    if (this.#stage.sleeper.stoppedOn !== undefined && !this.#isPaused) {
      this.#isPaused = true;
      this.#start(this.#bringBack(this.#stage.sleeper.stoppedOn));
    }
  }

  #start(fault: Promise<void>): void {
    // Heard at the end; until then it must not count as unhandled.
    fault.catch(() => {});
    this.#faults = [...this.#faults, fault];
  }

  async #killAndReplace(): Promise<void> {
    this.#progress.step(`placement node ${this.#stage.victim.name} is killed (SIGKILL), another takes its place`);
    await this.#stage.victim.kill();
    this.#stage.victim = await this.#stage.startNode('three');
  }

  async #restartServer(): Promise<void> {
    this.#progress.step('the NATS server is killed (SIGKILL) and started again on its store');
    await this.#stage.server.restart({ signal: 'SIGKILL' });
  }

  /** An agent that has this delivery before it, and at least one more, is one that can move on without the node. */
  async #armFor(index: number): Promise<void> {
    const { sleeper } = this.#stage;
    const delivery = this.#deliveries[index] as Delivery;
    await sleeper.arm(this.#nextOf(delivery, index) === undefined ? undefined : keyOf(delivery));
  }

  /** Both placement nodes finish what they have begun, so that nothing is written any more when the states are read. */
  async #drain(): Promise<readonly string[]> {
    const nodes = [this.#stage.victim, this.#stage.sleeper];
    const drained = await Promise.all(nodes.map((node) => node.drain()));
    return nodes.filter((_, i) => !drained[i]).map(({ name, complaints }) => `${name}: ${complaints || 'no word'}`);
  }

  #nextOf(delivery: Delivery, after: number): number | undefined {
    const address = addressOfDelivery(delivery);
    const next = this.#deliveries.findIndex((other, at) => at > after && addressOfDelivery(other) === address);
    return next < 0 || delivery.agentType === 'repository' ? undefined : next;
  }

  /** The node stands still between a turn and its commit until its agent has gone on elsewhere. */
  async #bringBack(key: AgentKey): Promise<void> {
    const { sleeper, client } = this.#stage;
    const startedMs = Date.now();
    const address = addressOf(key);
    this.#progress.step(`placement node ${sleeper.name} is paused (SIGSTOP) inside a commit of ${address}`);
    const ofAgent = this.#deliveries.flatMap((other, at) => (keyOf(other) === key ? [at] : []));
    const target = ofAgent.findIndex((at) => at >= this.#sent) + 1;
    const hasMovedOn = await this.#until(async () => {
      const agent = await client.inspect(address);
      const { book } = (agent?.context ?? { book: { count: 0 } }) as { book: { count: number } };
      return book.count >= target && agent?.lease.holder !== sleeper.nodeId;
    });
    if (!hasMovedOn) throw new Error(`${address} did not move on while its placement node stood still`);
    await this.#pause(startedMs + this.#plan.times.pauseMs - Date.now());
    sleeper.resume();
    this.#paused = { address, forMs: Date.now() - startedMs };
    this.#progress.step(`placement node ${sleeper.name} goes on (SIGCONT) after ${(this.#paused.forMs / 1000).toFixed(1)} s`);
  }

  /** Looks again and again. A look that fails (the server restarts) is one that sees nothing. @returns whether it was seen. */
  async #until(condition: () => Promise<boolean>): Promise<boolean> {
    for (const endMs = Date.now() + PATIENCE_MS; Date.now() < endMs; await this.#pause(LOOK_MS)) {
      if (await condition().catch(() => false)) return true;
    }
    return false;
  }

  /** @throws when the run is interrupted. */
  async #pause(ms: number): Promise<void> {
    await wait(Math.max(0, ms), undefined, { signal: this.#signal });
  }

  async #waiting(): Promise<readonly string[]> {
    const { inboxes, layout } = this.#stage.ports;
    const subjects = await Promise.all(inboxes.map((inbox) => inbox.subjects(layout.inboxFilter())));
    return subjects.flatMap((counts) => [...counts.keys()]);
  }
}

function keyOf({ agentType, agentId }: Delivery): AgentKey {
  return agentKey(agentType, agentId);
}
