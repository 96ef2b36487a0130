/**
 * One run: sends the deliveries in order while the faults of the plan happen.
 *
 * The faults go on beside the sending. Each is awaited before the run ends, so that what it has broken is
 * broken before the states are read.
 */
import type { Delivery } from './deliveries.ts';
import type { NodeProcess } from './node-process.ts';
import { Patience } from './patience.ts';
import type { Plan } from './plan.ts';
import type { Progress } from './progress.ts';
import type { Stage } from './stage.ts';
import { type Standing, Standstill } from './standstill.ts';
import { messageIdOf } from './webhook.ts';

/** What happened, as far as the senders and the faults know. */
export interface Outcome {
  /** Deliveries sent a second time. */
  readonly repeats: readonly Repeat[];
  readonly paused: Standing | undefined;
  /** Subjects of messages that nobody had acknowledged at the end. */
  readonly waiting: readonly string[];
  /** What placement nodes said that did not leave in order. */
  readonly complaints: readonly string[];
}

/** A second sending. */
export interface Repeat {
  /** After the server's duplicate window. */
  readonly isLate: boolean;
  /** Sent past the gateway, by the plain publisher. */
  readonly isPast: boolean;
  /** Whoever took it, the gateway or the server, said that it was a duplicate. */
  readonly isDropped: boolean;
}

/** A run over a stage. */
export class Run {
  readonly #stage: Stage;
  readonly #plan: Plan;
  readonly #deliveries: readonly Delivery[];
  readonly #progress: Progress;
  readonly #patience: Patience;
  readonly #standstill: Standstill;
  #repeats: readonly Repeat[] = [];
  /** Deliveries to repeat, with the time from which on, in order. */
  #due: ReadonlyArray<{ readonly index: number; readonly atMs: number }> = [];
  #faults: ReadonlyArray<Promise<void>> = [];
  #paused: Standing | undefined;
  #stoodStill = false;
  #killed = false;
  #restartAt = Number.POSITIVE_INFINITY;
  /** Before this the server may know again what its window should have let go. */
  #forgottenAtMs = 0;

  constructor(stage: Stage, plan: Plan, deliveries: readonly Delivery[], progress: Progress, signal: AbortSignal) {
    this.#stage = stage;
    this.#plan = plan;
    this.#deliveries = deliveries;
    this.#progress = progress;
    this.#patience = new Patience(signal);
    this.#standstill = new Standstill(stage, deliveries, this.#patience, progress);
    if ('at' in plan.restart) this.#restartAt = plan.restart.at;
  }

  /** Runs to the end: all sent, every fault over, nothing waiting, no effect on its way, both placement nodes drained. */
  async run(): Promise<Outcome> {
    for (const [index, delivery] of this.#deliveries.entries()) {
      await this.#startFaults(index);
      await this.#send(index, delivery);
      await this.#repeatDue(Date.now());
      await this.#patience.pause(this.#plan.times.paceMs);
    }
    await this.#startFaults(this.#deliveries.length);
    await Promise.all(this.#faults);
    for (const { atMs } of this.#due.slice(-1))
      await this.#patience.pause(Math.max(atMs, this.#forgottenAtMs) - Date.now());
    await this.#repeatDue(Number.POSITIVE_INFINITY);
    await this.#patience.until(async () => (await this.#waiting()).length === 0 && (await this.#isAllPosted()));
    const waiting = await this.#waiting();
    const complaints = await this.#drain();
    return { repeats: this.#repeats, paused: this.#paused, waiting, complaints };
  }

  async #send(index: number, delivery: Delivery): Promise<void> {
    await this.#stage.github.deliver(delivery);
    this.#standstill.sent(index + 1);
    this.#progress.sent(index + 1, delivery.orderMs);
    const { doubledAtOnce, doubledLater, times } = this.#plan;
    if (doubledLater.has(index)) this.#due = [...this.#due, { index, atMs: this.#afterWindowMs() }];
    // A server forgets over a restart what has left its streams: nothing can be asked of its window then.
    if (!doubledAtOnce.has(index) || Math.abs(index - this.#restartAt) <= 2) return;
    await this.#patience.pause(times.forgetMs);
    await this.#repeat(index, false);
  }

  /** When the server will have forgotten what it knows now. */
  #afterWindowMs(): number {
    return Date.now() + this.#plan.times.windowMs * 1.1 + 100;
  }

  async #repeatDue(nowMs: number): Promise<void> {
    if (nowMs < this.#forgottenAtMs) return;
    const due = this.#due.filter(({ atMs }) => atMs <= nowMs);
    this.#due = this.#due.filter(({ atMs }) => atMs > nowMs);
    for (const { index } of due) await this.#repeat(index, true);
  }

  async #repeat(index: number, isLate: boolean): Promise<void> {
    const { github, publisher } = this.#stage;
    const { doubledPast, isGatewayForgetful } = this.#plan;
    const delivery = this.#deliveries[index] as Delivery;
    if (isGatewayForgetful) await this.#patience.until(() => this.#stage.forgetDeliveries());
    const isPast = doubledPast.has(index);
    const isDropped = await (isPast ? publisher.publish(delivery, messageIdOf(delivery)) : github.deliver(delivery));
    this.#repeats = [...this.#repeats, { isLate, isPast, isDropped }];
  }

  async #startFaults(index: number): Promise<void> {
    const { gateway, killAt, pauseFrom } = this.#plan;
    // Not while the nodes wait for the one to pause: the one that is killed must not be the one that stops.
    if (index >= killAt && !this.#killed && (killAt < pauseFrom || this.#stoodStill))
      this.#start(this.#killAndReplace());
    if (index === gateway.killAt) this.#start(this.#restartGateway(gateway.afterMs));
    if (index === this.#restartAt) this.#start(this.#restartServer());
    if (index >= pauseFrom && !this.#stoodStill) await this.#standstill.arm(index);
    const stopped = this.#stage.nodes.find(({ stoppedOn }) => stoppedOn !== undefined);
    if (stopped !== undefined && !this.#stoodStill) this.#standStill(index, stopped);
  }

  #standStill(index: number, stopped: NodeProcess): void {
    const { restart, times } = this.#plan;
    this.#stoodStill = true;
    if ('inStandstill' in restart) this.#restartAt = index + restart.inStandstill;
    const from = 'inStandstill' in restart ? this.#restartAt : index;
    const ended = this.#standstill.end(stopped, times.pauseMs, from);
    this.#start(ended.then((standing) => void (this.#paused = standing)));
  }

  #start(fault: Promise<void>): void {
    fault.catch(() => {}); // Heard at the end; until then it must not count as unhandled.
    this.#faults = [...this.#faults, fault];
  }

  async #killAndReplace(): Promise<void> {
    this.#killed = true;
    const victim = this.#stage.nodes.find(({ stoppedOn }) => stoppedOn === undefined);
    const others = this.#stage.nodes.filter((node) => node !== victim);
    this.#progress.step(`placement node ${victim?.name} is killed (SIGKILL), another takes its place`);
    await victim?.kill();
    this.#stage.nodes = [await this.#stage.startNode('three'), ...others];
  }

  async #restartGateway(afterMs: number): Promise<void> {
    await this.#patience.pause(afterMs);
    this.#progress.step('the gateway is killed (SIGKILL) and started again');
    await this.#stage.killGateway();
    await this.#stage.startGateway();
  }

  async #restartServer(): Promise<void> {
    this.#progress.step('the NATS server is killed (SIGKILL) and started again on its store');
    // A repeat whose answer is lost is sent again, and a server that comes back counts its window anew: in
    // between, nobody could say whether it had forgotten.
    this.#forgottenAtMs = Number.POSITIVE_INFINITY;
    await this.#stage.server.restart({ signal: 'SIGKILL' });
    this.#forgottenAtMs = this.#afterWindowMs();
  }

  /** Both placement nodes finish what they have begun, so that nothing is written any more when the states are read. */
  async #drain(): Promise<readonly string[]> {
    const { nodes } = this.#stage;
    const drained = await Promise.all(nodes.map((node) => node.drain()));
    return nodes.filter((_, i) => !drained[i]).map(({ name, complaints }) => `${name}: ${complaints || 'no word'}`);
  }

  /** Whether no agent has anything to tell GitHub any more. */
  async #isAllPosted(): Promise<boolean> {
    const { agents } = await this.#stage.client.list({ pageSize: 1_000 });
    return agents.every(({ effects = [] }) => effects.length === 0);
  }

  async #waiting(): Promise<readonly string[]> {
    const { inboxes, layout } = this.#stage.ports;
    const subjects = await Promise.all(inboxes.map((inbox) => inbox.subjects(layout.inboxFilter())));
    return subjects.flatMap((counts) => [...counts.keys()]);
  }
}
