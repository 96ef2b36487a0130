/**
 * A session: one agent awake in this placement node, from wake to sleep.
 *
 * One loop a session, one turn at a time: doorbell → mailbox in order → claim folded into the first
 * commit → pure turn → one compare-and-set → outputs → acknowledgement. When a commit is lost the
 * activation goes, because the record is the only truth; the loop then starts from the record again.
 */
import { isRunnable } from '@wakebus/core';
import { type AgentKey, type WakebusError, isWakebusError } from '@wakebus/protocol';
import { Activation, type TurnOutcome } from './activation.ts';
import { type DeliveryRun, type Doorbell, Mailbox } from './mailbox.ts';
import { type NodeContext, inboxOf } from './node-context.ts';
import { hearsControl, mayStandStill, mustDrain, offeredAgainMs, refusedAgainMs, standStill, suspend } from './park.ts';
import { inPhase, reportRestart, wakeInLine } from './phase.ts';
import type { ClockTimer } from './ports/clock.ts';
import type { Delivery } from './ports/event-log.ts';
import { writeQuarantine } from './quarantine.ts';
import { type SessionOwner, passOn } from './session-owner.ts';
import { SessionTurns } from './session-turns.ts';
import { type WakeOutcome, countSleep, countWake, wakeFromMailbox } from './wake.ts';

/** After a failure of storage the loop waits so long, in milliseconds. */
const RETRY_MS = 250;
/** Outbox entries from which on the agent takes no turns until they are relayed. */
const OUTBOX_LIMIT = 512;
const ALL = Number.MAX_SAFE_INTEGER;

export class Session {
  readonly key: AgentKey;
  readonly mailbox: Mailbox;
  readonly #context: NodeContext;
  readonly #owner: SessionOwner;
  readonly #turns: SessionTurns;
  #activation: Activation | undefined;
  #cause: Delivery | undefined;
  #newest: Delivery | undefined;
  #isRunning = false;
  #isRung = false;
  #isGone = false;
  #force = false;
  #sleepAsked = false;
  /** Asked for by somebody who wants the memory, or the agent: a pause is not enough. */
  #mustStop = false;
  #releaseTo: string | undefined;
  #isStopping = false;
  #verdict: WakebusError | undefined;
  #timer: ClockTimer | undefined;
  #lastActiveMs: number;
  readonly #waiters: Array<() => void> = [];

  constructor(context: NodeContext, owner: SessionOwner, key: AgentKey, partition: DeliveryRun) {
    this.key = key;
    this.#context = context;
    this.#owner = owner;
    this.mailbox = new Mailbox(inboxOf(context, key), context.layout.mailboxFilter(key), partition);
    this.#turns = new SessionTurns(context, owner.lane, this.mailbox, {
      isGone: () => this.#isGone,
      isToSleep: () => this.#sleepAsked,
    });
    this.#lastActiveMs = context.ports.clock.monotonicMs();
  }

  /** Whether the agent is in memory with nothing to do. */
  get isIdle(): boolean {
    return !this.#isRunning && !this.mailbox.hasWork;
  }

  /** Whether the agent is awake here, and takes events. */
  get isUp(): boolean {
    return !this.#isGone && this.#activation?.isUp === true;
  }

  /** Bytes of the state of an agent that is paused here, and may stay so. */
  get pausedBytes(): number | undefined {
    return this.#isGone || this.#mustStop ? undefined : this.#activation?.pausedBytes;
  }

  /** Takes a delivery of this agent. */
  offer(delivery: Delivery): void {
    this.#cause ??= delivery;
    this.#newest = delivery;
    this.mailbox.offer(delivery, this.#context.ports.clock.monotonicMs());
    this.#start();
  }

  /** Takes over doorbells of another node, or none: messages wait in any case. */
  ring(doorbells: readonly Doorbell[] = []): void {
    for (const doorbell of doorbells) this.mailbox.addDoorbell(doorbell, this.#context.ports.clock.monotonicMs());
    this.mailbox.ring();
    this.#start();
  }

  /** Looks again at what is owed: something that it waited for may be there. */
  nudge(): void {
    this.#start();
  }

  /** Gives the agent up to another node after the turn that runs, doorbells included. @returns when it has. */
  release(nodeId: string): Promise<void> {
    this.#releaseTo = nodeId;
    // Whoever asks claims it in a moment: a program that is in the middle of something ends before that.
    this.#activation?.program?.hurry(this.#context.limits.releaseMs / 2);
    return this.sleep();
  }

  /** Goes to sleep after the turn that runs, whatever waits. @returns when it is asleep or gone. */
  stop(): Promise<void> {
    this.#isStopping = true;
    return this.sleep();
  }

  /** Goes to sleep as soon as nothing runs. @returns when it is asleep or gone. */
  sleep(): Promise<void> {
    if (this.#isGone) return Promise.resolve();
    this.#sleepAsked = this.#mustStop = true;
    this.#start();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Forgets everything at once, as a crash would. Deliveries come again by themselves. */
  drop(): void {
    this.#activation?.handOver.close();
    this.#end();
  }

  #end(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#timer?.cancel();
    this.#activation?.end();
    this.#owner.onGone(this);
    this.#owner.paused.look(this);
    this.#context.effects.resources.look(this.key);
    for (const resolve of this.#waiters) resolve();
  }

  #start(): void {
    this.#isRung = true;
    if (this.#isGone) return;
    // What comes again may stand in the very inbox that the loop waits for room in: it is answered at once.
    if (this.#isRunning && this.#activation !== undefined) this.#acknowledge(this.#activation);
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      // A ring between a step's last look and its end would otherwise be heard by nobody.
      while (!this.#isGone && this.#isRung) {
        this.#isRung = false;
        while (!this.#isGone && (await this.#step()));
      }
    } catch (thrown) {
      this.#recover(thrown);
    }
    this.#isRunning = false;
    this.#owner.paused.look(this);
    if (!this.#isGone) this.#watchIdle();
  }

  /** One step of the loop. @returns whether there may be more to do at once. */
  async #step(): Promise<boolean> {
    if (!this.#context.membership.mayAct() && this.#context.sabotage.cas !== true) {
      this.#owner.lose(this);
      return false;
    }
    if (this.#isStopping && this.#activation === undefined) return this.#leaveUnread();
    const activation = this.#activation ?? (await wakeInLine(this.#context, this.#owner, this.key, () => this.#wake()));
    if (activation === undefined) return false;
    if (this.#verdict !== undefined) return this.#suspend(activation, this.#verdict);
    if (this.#releaseTo !== undefined || this.#isStopping) return this.#sleepNow(activation, this.#isStopping);
    if (activation.effects.isOwed()) {
      if (!(await activation.effects.start())) this.#forget();
      return true;
    }
    if (activation.record.held?.clear === true) return this.#drainHeld(activation);
    if (mayStandStill(activation.record) && (await this.#standsStill(activation))) {
      // Where its commit was lost nothing else would start the loop again.
      return this.#activation === undefined || (this.#sleepAsked && this.#sleepNow(activation, true));
    }
    if (activation.record.outbox.length >= OUTBOX_LIMIT) await activation.handOver.settled();
    if (activation.record.held !== undefined && !hearsControl(activation.record, this.mailbox))
      return this.#drainHeld(activation);
    if (this.mailbox.isRinging) await this.mailbox.fill();
    if (this.mailbox.length > 0) {
      const messages = this.mailbox.peek(mayStandStill(activation.record) ? 1 : ALL);
      return this.#afterTurn(activation, await this.#turns.take(activation, messages));
    }
    this.#acknowledge(activation);
    if (this.mailbox.hasWork) return true;
    activation.effects.judge();
    // Woken for nothing, by a delivery of what is processed already: there is no idle time to wait for.
    return this.#sleepAsked || !activation.isClaimed ? this.#sleepNow(activation) : false;
  }

  async #wake(): Promise<Activation | undefined> {
    if (this.#isGone) return undefined;
    const cause = { cause: this.#cause, newest: this.#newest, force: this.#force };
    const woken = wakeFromMailbox(this.#context, this.key, this.mailbox, cause);
    const outcome = await inPhase(this.#context, this.key, 'hydrate', woken);
    if (this.#isGone) return undefined;
    if (outcome.kind === 'awake') return this.#activate(outcome);
    if (outcome.kind === 'held') return this.#leaveOrClaim(outcome.holder);
    if (outcome.kind === 'quarantine') await writeQuarantine(this.#context, this.key, outcome);
    if (outcome.kind === 'refused') this.drop();
    else this.#refuse(outcome.error);
    return undefined;
  }

  #activate(woken: Extract<WakeOutcome, { kind: 'awake' }>): Activation {
    const { record } = woken.memory;
    countWake(this.#context, woken, this.#cause);
    const oldestSeq = Math.min(this.mailbox.peek(1)[0]?.seq ?? ALL, this.mailbox.doorbells[0]?.seq ?? ALL);
    this.mailbox.advance(record.cursor);
    const onProgress = (): void => this.#acknowledge(activation);
    const activation = new Activation(this.#context, this.key, woken, this.#cause?.subject ?? '', onProgress);
    this.#activation = activation;
    activation.handOver.tellIncidents(record);
    // Processed and not acknowledged: whoever processed it may have died before its history was stored.
    if (oldestSeq <= record.cursor) activation.repeatHistory();
    return activation;
  }

  /** The agent runs elsewhere. Its holder gets what was asked of us, or is asked to give it up to us; others are woken while it answers. */
  async #leaveOrClaim(holder: string): Promise<Activation | undefined> {
    const forward = (): Promise<boolean> => passOn(this.#context, this.#owner, this, holder);
    if (!this.#owner.isFirst(this.key) && (await this.#owner.waking.outside(forward))) {
      this.drop();
      return undefined;
    }
    await this.#owner.waking.outside(() => this.#owner.requestRelease(holder, this.key));
    this.#force = true;
    return this.#isGone ? undefined : this.#wake();
  }

  /** Offers the messages again later: to another node, or to a newer version of this one. @returns that there is no more to do. */
  #refuse({ code, message }: WakebusError): false {
    this.#context.log.warn(message, { agent: this.key, code });
    this.mailbox.giveBack(0, refusedAgainMs);
    this.drop();
    return false;
  }

  /** Not woken any more. Should its record say that it runs here, that is put right once it may run again. @returns that there is no more to do. */
  #leaveUnread(): false {
    this.mailbox.giveBack(0, refusedAgainMs);
    this.#owner.lose(this);
    return false;
  }

  async #drainHeld(activation: Activation): Promise<boolean> {
    return this.#afterTurn(activation, await this.#turns.takeHeld(activation));
  }

  /** What a turn comes to. @returns whether there may be more to do at once. */
  #afterTurn(activation: Activation, outcome: TurnOutcome | undefined): boolean {
    if (outcome === undefined) return false;
    this.#lastActiveMs = this.#context.ports.clock.monotonicMs();
    if (outcome.kind === 'committed') return this.#afterCommit(activation, outcome);
    if (outcome.kind === 'homeless') return this.#refuse(outcome.error);
    if (outcome.kind === 'unfit' && outcome.events <= 1) this.#verdict = outcome.error;
    this.#forget();
    return true;
  }

  #afterCommit(activation: Activation, { turn, asleep }: Extract<TurnOutcome, { kind: 'committed' }>): boolean {
    this.#sleepAsked ||= turn.sleep;
    this.mailbox.advance(activation.record.cursor);
    this.#acknowledge(activation);
    // A message that came during the commit finds the agent asleep in the record, and in memory: it is claimed again.
    if (asleep && this.mailbox.hasWork) this.#forget();
    if (!asleep || this.mailbox.hasWork) return true;
    this.#fallAsleep(activation);
    return false;
  }

  /** Acknowledges what the durable cursor covers and whose outputs have been handed over. */
  #acknowledge(activation: Activation): void {
    const { answeredSeq, handOver, record } = activation;
    if (this.mailbox.doorbells.length === 0 || handOver.keepsAll) return;
    this.#context.probes?.beforeAck?.(this.key);
    const isOwing = activation.effects.hasDue || mustDrain(record);
    this.mailbox.acknowledge(answeredSeq, isOwing || handOver.needsWitness, (seq) => handOver.isDone(seq));
  }

  async #suspend(activation: Activation, error: WakebusError): Promise<boolean> {
    this.#verdict = undefined;
    if (!(await suspend(this.#context, activation, error))) this.#forget();
    return true;
  }

  /** Whether the agent takes no events now. Its messages then wait; many or old ones move aside. */
  async #standsStill(activation: Activation): Promise<boolean> {
    const { limits, ports } = this.#context;
    const { clock } = ports;
    const leftMs = (activation.record.attempt?.retryMs ?? 0) - clock.wallMs();
    if (leftMs <= 0 && isRunnable(activation.record)) return false;
    await this.mailbox.fill();
    if (hearsControl(activation.record, this.mailbox)) return false;
    this.#acknowledge(activation);
    if (!(await standStill(this.#context, activation, this.mailbox))) this.#forget();
    if (this.#activation !== undefined && hearsControl(activation.record, this.mailbox)) return false;
    this.#context.effects.resources.look(this.key);
    // Woken again when the retry is due, or when what waits is old enough to move aside.
    if (leftMs > 0 || this.mailbox.length > 0)
      this.#wakeLater(Math.min(leftMs > 0 ? leftMs : Number.POSITIVE_INFINITY, limits.holdAfterMs));
    return true;
  }

  #wakeLater(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#context.ports.clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.mailbox.ring();
      this.#start();
    });
  }

  /** A lost commit: what is in memory is not what the agent is. */
  #forget(): void {
    this.#activation?.close();
    this.#activation = undefined;
    this.#force = false;
    this.mailbox.dropPayloads();
    this.mailbox.ring();
  }

  /** One timer a session, not one a turn: when it rings early it is set for what is left. */
  #watchIdle(): void {
    const activation = this.#activation;
    if (activation === undefined || this.#timer !== undefined || this.#sleepAsked || activation.isPaused) return;
    const { clock } = this.#context.ports;
    const ended = activation.record.lifecycle.name === 'completed' || activation.record.lifecycle.name === 'removed';
    const afterMs = ended ? 0 : activation.definition.sleep.afterMs;
    this.#timer = clock.setTimer(Math.max(0, this.#lastActiveMs + afterMs - clock.monotonicMs()), () => {
      this.#timer = undefined;
      if (clock.monotonicMs() - this.#lastActiveMs >= afterMs) this.#sleepAsked = true;
      if (this.isIdle) this.#start();
    });
  }

  /** Hands over what is owed, clears the lease in the record, and goes. Neither the mailbox waits for the first – in a full inbox its messages are the room that is needed – nor another node, which finds it in the record. */
  async #sleepNow(activation: Activation, standsStill = false): Promise<boolean> {
    const { handOver } = activation;
    if (this.#releaseTo === undefined && !handOver.isWaitedFor(() => this.#start())) return false;
    const mustSleep = standsStill || this.#releaseTo !== undefined || !handOver.isSettled;
    // What is left stands in the record, for whoever wakes the agent next.
    if (this.#releaseTo !== undefined || !handOver.isSettled) handOver.close();
    if (this.mailbox.hasWork && !mustSleep) return true;
    if (activation.effects.isWaiting && !mustSleep) return false;
    if (!mustSleep && !this.#mustStop && activation.mayPause) return this.#pause(activation);
    await this.#context.probes?.beforeSleep?.(this.key, this.#releaseTo);
    if (!(await activation.sleep(this.#releaseTo))) {
      this.#forget();
      if (this.#releaseTo === undefined) return true;
      await passOn(this.#context, this.#owner, this, this.#releaseTo);
      this.drop();
      return false;
    }
    if (this.mailbox.hasWork && !mustSleep) {
      this.#forget();
      return true;
    }
    this.#fallAsleep(activation);
    return false;
  }

  /** Stays in memory, and holds nothing else. @returns whether there may be more to do at once. */
  async #pause(activation: Activation): Promise<boolean> {
    this.#sleepAsked = false;
    if (!(await activation.pause())) this.#forget();
    this.#context.effects.resources.look(this.key);
    return this.#activation === undefined || this.mailbox.hasWork;
  }

  #fallAsleep(activation: Activation): void {
    countSleep(this.#context, activation);
    this.#acknowledge(activation);
    if (this.#releaseTo !== undefined)
      void this.#owner.forward(this.#releaseTo, this.key, this.mailbox.takeDoorbells(ALL));
    else
      this.mailbox.giveBack(activation.record.cursor, () =>
        offeredAgainMs(activation.record, this.#context.ports.clock.wallMs()),
      );
    this.#end();
  }

  /** Storage failed in mid-step. Nothing is concluded from it. */
  #recover(thrown: unknown): void {
    reportRestart(this.#context, this.key, thrown);
    if (isWakebusError(thrown, 'PHASE_TIMEOUT')) {
      // Nobody can tell what still goes on: it starts from nothing, and the messages come again.
      this.mailbox.giveBack(0, refusedAgainMs);
      return this.#owner.lose(this);
    }
    this.#forget();
    this.#wakeLater(RETRY_MS);
  }
}
