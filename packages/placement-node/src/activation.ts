/**
 * An activation: the memory of an awake agent between two readings of its record, and every commit
 * that is made from it.
 *
 * It ends with the first commit that is lost; the session then reads the record again. The claim is
 * part of the first commit, so an activation that commits nothing has written nothing.
 */
import {
  type AgentMemory,
  MAX_TURN_EVENTS,
  type Inbound,
  type MailboxMessage,
  type Turn,
  type TurnJob,
  isPaused,
  readInbound,
  setOldOutputsAside,
} from '@wakebus/core';
import {
  type AgentKey,
  type AgentRecord,
  WakebusError,
  addressOf,
  attribute,
  isWakebusError,
  span,
} from '@wakebus/protocol';
import { hasOverdueTimer } from './audit.ts';
import { CommittedMemory } from './committed-memory.ts';
import { storeDeadLetters } from './dead-letters.ts';
import { SessionEffects } from './effects/session-effects.ts';
import { HandOver } from './hand-over.ts';
import { atHeldCursor, atRest, pastHeld } from './record-changes.ts';
import type { NodeContext } from './node-context.ts';
import { keepRuntimeMessages, mayStandStill } from './park.ts';
import { writeQuarantine } from './quarantine.ts';
import { noteInTurn } from './telemetry/gate-span.ts';
import type { RunningSpan } from './telemetry/running-span.ts';
import { startTurnSpan } from './telemetry/turn-span.ts';
import { keepBeforeRemoval, keepIfDue, keepIfOwed } from './snapshots/automatic.ts';
import { AgentProgram } from './programs/agent-program.ts';
import { takeAny } from './take-job.ts';
import { withoutId } from './turn-here.ts';
import { factsOf, historyOf, releaseOutputs } from './turn-outputs.ts';
import type { WakeOutcome } from './wake.ts';

/** What became of a turn. */
export type TurnOutcome =
  | { readonly kind: 'committed'; readonly turn: Turn; readonly asleep: boolean }
  | { readonly kind: 'lost' }
  /** It cannot be stored, for a reason outside the machine's logic. Of several events, any may be to blame. */
  | { readonly kind: 'unfit'; readonly error: WakebusError; readonly events: number }
  /** The agent must not run here, and no message is to blame. */
  | { readonly kind: 'homeless'; readonly error: WakebusError };

/** What the session says about the turn that it asks for. */
export interface TurnRequest {
  readonly messages: readonly MailboxMessage[];
  readonly maxEvents: number | undefined;
  /** Whether nothing waits beyond these messages: sleep may then be folded into this commit. */
  readonly isAll: boolean;
  /** Messages are out of `held`: their sequences are behind the cursor. */
  readonly fromHeld: boolean;
}

const NO_POISON: ReadonlyMap<number, WakebusError> = new Map();

export class Activation {
  readonly handOver: HandOver;
  readonly effects: SessionEffects;
  /** What the agent's type has in the place of a machine of its own. */
  readonly program: AgentProgram | undefined;
  readonly #context: NodeContext;
  readonly #key: AgentKey;
  readonly #committed: CommittedMemory;
  #answeredSeq: number;
  #poison: ReadonlyMap<number, WakebusError> = NO_POISON;

  /** @param onProgress - Called when a part of what is owed has been handed over. */
  constructor(
    context: NodeContext,
    key: AgentKey,
    woken: Extract<WakeOutcome, { kind: 'awake' }>,
    wake: string,
    onProgress: () => void,
  ) {
    this.#context = context;
    this.#key = key;
    const { definition } = woken.memory;
    const record = setOldOutputsAside(woken.memory.record, context.ports.clock.wallMs(), definition.dedupe.horizonMs);
    this.#committed = new CommittedMemory(context, { ...woken.memory, record }, woken.revision, wake);
    this.handOver = new HandOver(context, key, onProgress);
    this.effects = new SessionEffects(context, this);
    this.program = definition.runner && new AgentProgram(context, key, definition.runner);
    // Another session may have died between its commit and what it owed: receivers know what comes twice by its ID.
    if (!this.record.settled || hasOverdueTimer(this.record, context.ports.clock.wallMs(), context.limits.overdueMs))
      this.handOver.resume(this.record);
    this.#answeredSeq = this.record.cursor;
  }

  get key(): AgentKey {
    return this.#key;
  }

  get record(): AgentRecord {
    return this.#committed.memory.record;
  }

  get definition(): AgentMemory['definition'] {
    return this.#committed.memory.definition;
  }

  /** Up to here everything that the inputs have caused is with {@link handOver}; the cursor is a moment ahead of that. */
  get answeredSeq(): number {
    return this.#answeredSeq;
  }

  /** Whether only a gate has looked at the agent: its state is still bytes. */
  get isAtGate(): boolean {
    return this.#committed.memory.isUndecoded === true;
  }

  /** Whether a commit of this activation says that the agent runs here. */
  get isClaimed(): boolean {
    return this.#committed.isClaimed;
  }

  /** The subject that has woken the agent, until the first commit; then empty. */
  get wokenBy(): string {
    return this.#committed.wake;
  }

  /** Hands nothing over any more, wants no room for effects, and runs nothing. */
  close(): void {
    this.handOver.close();
    this.end();
  }

  /** The session is over. What has been begun to be handed over goes on. */
  end(): void {
    this.handOver.patience.reset();
    this.effects.close();
    this.program?.kill();
  }

  /** One turn, committed. Outputs start only after the commit is confirmed. */
  async turn(request: TurnRequest): Promise<TurnOutcome> {
    const { ports, telemetry } = this.#context;
    const { type } = this.definition;
    const startedMs = ports.clock.monotonicMs();
    const asked = request.messages.slice(0, request.maxEvents ?? MAX_TURN_EVENTS);
    const messages = this.#context.sabotage.dedupe === true ? asked.map(withoutId) : asked;
    const inbounds = messages.map((message) => readInbound(this.#context.layout, this.#key, message));
    const running = startTurnSpan(this.#context, this.#key, inbounds, this.record.attempt?.count ?? 0);
    const taken = await this.#take(() => this.#job(request, messages, running), inbounds, running);
    if (taken.kind !== 'taken') {
      running.end(taken.error);
      return taken.kind === 'gone' ? this.#quarantine(taken.error) : taken;
    }
    const { turn } = taken;
    const outcome = await this.#commitTurn(turn, request, startedMs, running);
    telemetry.turnMs.record(ports.clock.monotonicMs() - startedMs, { type });
    if (this.definition.gate.length > 0 && outcome.kind === 'committed')
      noteInTurn(this.#context, this.#key, turn, inbounds, running);
    if (running.isRecording)
      running.set({ [attribute.events]: turn.consumed, [attribute.outcome]: outcome.kind, ...this.#committed.facts() });
    running.end(outcome.kind === 'unfit' ? outcome.error : turn.failure?.error);
    return outcome;
  }

  #take(job: () => TurnJob, inbounds: readonly Inbound[], running: RunningSpan): ReturnType<typeof takeAny> {
    const { program } = this;
    return takeAny(this.#context, { program, inbounds, running, job, claim: () => this.#claim(running) });
  }

  /** A commit of its own that says that the agent runs here: before what no later commit takes back. @returns whether it was not lost. */
  #claim(running: RunningSpan): Promise<boolean> {
    if (this.isClaimed) return Promise.resolve(true);
    const { lifecycle } = this.record;
    const sinceMs = this.#context.ports.clock.wallMs();
    return this.stand({ ...(lifecycle.name === 'asleep' && { lifecycle: { name: 'awake', sinceMs } }) }, running);
  }

  /**
   * Makes an attempt durable before it runs: its message was started before, and whoever ran it may have
   * died of it. After the last attempt the message is given up without another run.
   *
   * @returns whether the commit was not lost.
   */
  brace(head: MailboxMessage): Promise<boolean> {
    const { membership, nodeId } = this.#context;
    const before = this.record.attempt?.seq === head.seq ? this.record.attempt : undefined;
    // A node that lives has not died of it: that it gave the agent up is no failed attempt.
    const isAlive = before?.node !== undefined && membership.isLiving(before.node);
    const count = (before?.count ?? 0) + (isAlive ? 0 : 1);
    if (count <= this.definition.retry.attempts + 1) {
      const reason = before?.reason ?? 'it was started, and not finished';
      return this.stand({ attempt: { seq: head.seq, count, reason, retryMs: 0, node: nodeId } });
    }
    const reason = `${count - 1} placement nodes started it and did not come back`;
    const facts = { address: addressOf(this.#key), event: head.subject, reason };
    this.#poison = new Map([[head.seq, new WakebusError('TURN_FAILED', facts)]]);
    return Promise.resolve(true);
  }

  /** Writes the last turn's history again: a crash may have come before it was stored. */
  repeatHistory(): void {
    const { last } = this.record;
    if (this.#context.history !== undefined && last !== undefined)
      this.handOver.history(historyOf(this.record, last, last.events));
    keepIfOwed(this.#context, this);
  }

  /** A commit that takes no events: it changes the lifecycle, or trims what was handed over. @returns whether it was not lost. */
  async stand(change: Partial<AgentRecord>, cause?: RunningSpan): Promise<boolean> {
    const { nodeId, ports } = this.#context;
    const lease = { holder: nodeId, epoch: this.#committed.epoch };
    const record: AgentRecord = {
      ...this.handOver.trim(this.record),
      lease,
      updatedMs: ports.clock.wallMs(),
      ...change,
    };
    const isMine = await this.#commit({ ...this.#committed.memory, record }, cause);
    if (isMine) this.#answeredSeq = this.record.cursor;
    return isMine;
  }

  /** Writes that nobody holds the agent. @param to - The node that it is given to. @returns whether it was not lost. */
  async sleep(to?: string): Promise<boolean> {
    // An agent whose record says that it sleeps has nothing that runs.
    await this.program?.stop();
    const record = this.handOver.trim(this.record);
    if (this.isAtGate && record.lease.holder === '' && record.settled === this.record.settled) return true;
    if (!this.isClaimed && !this.#isLeftOver(record) && record.settled === this.record.settled) return true;
    const { ports, telemetry } = this.#context;
    const startedMs = ports.clock.monotonicMs();
    const running = telemetry.start(to === undefined ? span.sleep : span.move, this.#key, [record.trace]);
    const { lifecycle, timers } = atRest(record, ports.clock.wallMs());
    // To move is not to sleep: whoever takes the agent goes on at once.
    const change = to === undefined ? { lifecycle, timers } : { lifecycle };
    const isAsleep = await this.stand({ lease: { holder: '', epoch: this.#committed.epoch }, ...change }, running);
    if (isAsleep) this.#pauseSchedules();
    telemetry.dehydrateMs.record(ports.clock.monotonicMs() - startedMs, { type: this.definition.type });
    if (to !== undefined) running.set({ [attribute.toNode]: to });
    running.set({ [attribute.outcome]: isAsleep ? 'committed' : 'lost', ...this.#committed.facts() });
    running.end();
    return isAsleep;
  }

  /** Whether its type wants it paused rather than stopped, and it stands as it is by choice. */
  get mayPause(): boolean {
    return this.definition.sleep.mode === 'pause' && this.isClaimed && this.record.lifecycle.name === 'awake';
  }

  /** Whether a turn's commit may say that the agent sleeps: nothing of it is left to be stopped, or kept. */
  get #mayFoldSleep(): boolean {
    return this.definition.sleep.mode === 'stop' && this.program === undefined;
  }

  /** Writes that the agent is paused. This node goes on holding it. @returns whether it was not lost. */
  async pause(): Promise<boolean> {
    const { ports, telemetry } = this.#context;
    const running = telemetry.start(span.pause, this.#key, [this.record.trace]);
    const isPausedNow = await this.stand(atRest(this.record, ports.clock.wallMs(), 'paused'), running);
    if (isPausedNow) this.#pauseSchedules();
    if (isPausedNow) this.program?.pause();
    running.set({ [attribute.outcome]: isPausedNow ? 'committed' : 'lost', ...this.#committed.facts() });
    running.end();
    return isPausedNow;
  }

  /** Whether the agent takes events, and is awake for them. */
  get isUp(): boolean {
    return !this.isPaused && !mayStandStill(this.record);
  }

  get isPaused(): boolean {
    return this.record.lifecycle.name === 'paused';
  }

  /** Bytes of the state of an agent that is paused, as it is stored. */
  get pausedBytes(): number | undefined {
    return this.isPaused ? this.#committed.stateBytes : undefined;
  }

  /** What stands still in a sleep wakes nobody. A fire that comes all the same is dropped. */
  #pauseSchedules(): void {
    this.handOver.cancel(this.record.timers.filter(isPaused));
  }

  /** Whether a record names a holder that runs the agent no more: one that is gone, or this node before it lost its lease. */
  #isLeftOver({ lease: { holder } }: AgentRecord): boolean {
    const { membership, nodeId } = this.#context;
    return holder === nodeId || (holder !== '' && !membership.isLiving(holder));
  }

  /** The session is refused then, and whoever wakes the agent next finds the mark. */
  async #quarantine(error: WakebusError): Promise<TurnOutcome> {
    const { revision, memory } = this.#committed;
    const evidence = undefined;
    await writeQuarantine(this.#context, this.#key, {
      kind: 'quarantine',
      error,
      revision,
      evidence,
      record: memory.record,
    });
    return { kind: 'homeless', error };
  }

  #job(
    { fromHeld, maxEvents = MAX_TURN_EVENTS }: TurnRequest,
    messages: readonly MailboxMessage[],
    running: RunningSpan,
  ): TurnJob {
    const { ports, limits, nodeId } = this.#context;
    const trimmed = { ...this.#committed.memory, record: this.handOver.trim(this.record) };
    const trace = running.carrier;
    return {
      memory: fromHeld ? atHeldCursor(trimmed) : trimmed,
      messages,
      env: {
        nowMs: ports.clock.wallMs(),
        nodeId,
        epoch: this.#committed.epoch,
        isLate: fromHeld,
        ...(trace !== undefined && { trace }),
      },
      maxEvents,
      turnMs: limits.turnMs,
      jitter: ports.random.fraction(),
      poison: this.#poison,
      ...(fromHeld && this.record.held?.clear === true && { cleared: this.#cleared() }),
    };
  }

  #cleared(): WakebusError {
    const reason = 'an operator has thrown away what waited for it';
    return new WakebusError('AGENT_REFUSED', { address: addressOf(this.#key), reason });
  }

  async #commitTurn(turn: Turn, request: TurnRequest, startedMs: number, running: RunningSpan): Promise<TurnOutcome> {
    this.#poison = NO_POISON;
    const { ports } = this.#context;
    const before = this.record;
    const { wake } = this.#committed;
    if (turn.deadLetters.length > 0)
      await storeDeadLetters(this.#context, this.#key, turn.deadLetters, request.messages, running);
    if (request.fromHeld && this.record.held?.clear === true)
      await keepRuntimeMessages(this.#context, this.#key, request.messages.slice(0, turn.consumed));
    await keepBeforeRemoval(this.#context, this, turn.memory.record);
    const isAtGate = turn.memory.isUndecoded === true;
    const isAsleep =
      ((turn.sleep && this.#mayFoldSleep) || isAtGate) &&
      turn.failure === undefined &&
      request.isAll &&
      turn.consumed === request.messages.length &&
      turn.memory.record.settled &&
      turn.memory.record.held === undefined;
    let memory = request.fromHeld ? pastHeld(this.#committed.memory, turn.memory) : turn.memory;
    if (isAsleep) {
      const lease = { holder: '', epoch: this.#committed.epoch };
      memory = { ...memory, record: { ...memory.record, lease, ...atRest(memory.record, ports.clock.wallMs()) } };
    }
    try {
      if (!(await this.#commit(memory, running))) return { kind: 'lost' };
    } catch (thrown) {
      if (isWakebusError(thrown, 'VALUE_NOT_DURABLE') || isWakebusError(thrown, 'TURN_TOO_LARGE'))
        return { kind: 'unfit', error: thrown, events: turn.consumed };
      throw thrown;
    }
    const { probes } = this.#context;
    if (probes?.afterCommit !== undefined) await probes.afterCommit(this.#key);
    if (isAsleep) this.#context.telemetry.below(span.sleep, this.#key, running).end();
    const turnMs = ports.clock.monotonicMs() - startedMs;
    const cost = { turnMs: Math.round(turnMs * 1_000) / 1_000, recordBytes: this.#committed.recordBytes };
    releaseOutputs(this.#context, this, turn, factsOf(before, this.record, cost, wake));
    keepIfDue(this.#context, this, before);
    if (isAsleep) this.#pauseSchedules();
    this.#answeredSeq = this.record.cursor;
    // At the gate the agent slept all the while: what is here only saves the next look at its record.
    return { kind: 'committed', turn, asleep: isAsleep && !isAtGate };
  }

  async #commit(memory: AgentMemory, cause: RunningSpan | undefined): Promise<boolean> {
    const isMine = await this.#committed.commit(memory, cause);
    if (isMine) this.handOver.committed(this.record);
    return isMine;
  }
}
