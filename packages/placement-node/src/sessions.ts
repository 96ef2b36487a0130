/**
 * The sessions of one placement node, and what nodes say to each other about them: forwarded doorbells
 * and requests to release.
 */
import { type AgentKey, encode, isCanonicalKey, splitKey } from '@wakebus/protocol';
import { turnAway } from './gate/door.ts';
import { Lane } from './lane.ts';
import type { DeliveryRun, Doorbell } from './mailbox.ts';
import { type NodeContext, inboxOf } from './node-context.ts';
import { readRequest } from './node-request.ts';
import { refusedAgainMs } from './park.ts';
import { type ClockTimer, within } from './ports/clock.ts';
import type { Delivery } from './ports/event-log.ts';
import { PausedSessions } from './paused-sessions.ts';
import type { PlainMessage, Subscription } from './ports/messenger.ts';
import { Session } from './session.ts';
import type { SessionOwner } from './session-owner.ts';

/** Held deliveries are reported as in work this often, in milliseconds: well within the acknowledgement wait of 5 s. */
const KEEP_ALIVE_MS = 2_000;
/** A forward that is not taken within so long, in milliseconds, says that its receiver is silent. */
const FORWARD_MS = 250;
/** How a node answers that takes doorbells over: with nothing. One that leaves says so at once, so that nobody waits for it. */
const TAKEN = new Uint8Array();
const REFUSED: Uint8Array = new Uint8Array([0]);

/** What a forward carries. */
interface Forward {
  readonly key: AgentKey;
  readonly doorbells: readonly Doorbell[];
}

/** What a request to release carries. */
interface ReleaseRequest {
  readonly key: AgentKey;
  readonly nodeId: string;
}

/** What the table needs to know about partitions. */
export interface PartitionLookup {
  runOf(key: AgentKey): DeliveryRun;
  /** The node that should run an agent. */
  firstFor(key: AgentKey): string | undefined;
}

export class Sessions implements SessionOwner {
  readonly lane: Lane;
  readonly paused: PausedSessions;
  readonly waking: Lane;
  /** Agents whose records say that they run here, although they do not any more. */
  readonly #lost = new Set<AgentKey>();
  readonly #context: NodeContext;
  readonly #partitions: PartitionLookup;
  /** Least recently woken first. */
  readonly #table = new Map<AgentKey, Session>();
  #subscriptions: Subscription[] = [];
  #timer: ClockTimer | undefined;
  #isDraining = false;

  constructor(context: NodeContext, partitions: PartitionLookup) {
    this.#context = context;
    this.#partitions = partitions;
    this.lane = new Lane(context.limits.maxTurnsInFlight);
    this.paused = new PausedSessions(context);
    this.waking = new Lane(context.limits.maxWakesInFlight);
  }

  get count(): number {
    return this.#table.size;
  }

  /** Bytes of payloads waiting in memory. */
  get payloadBytes(): number {
    let sum = 0;
    for (const session of this.#table.values()) sum += session.mailbox.sizeBytes;
    return sum;
  }

  /** Begins to answer other nodes. */
  listen(): void {
    const { layout, nodeId, ports } = this.#context;
    this.#subscriptions = [
      ports.messenger.subscribe(layout.nodeSubject(nodeId, 'forward'), (message) => this.#onForward(message)),
      ports.messenger.subscribe(layout.nodeSubject(nodeId, 'release'), (message) => void this.#onRelease(message)),
    ];
    this.#tend();
  }

  /** A delivery of an agent that this node should run, or has in memory. */
  offer(key: AgentKey, delivery: Delivery): void {
    const session = this.#table.get(key);
    if (session === undefined && turnAway(this.#context, key, delivery)) return;
    (session ?? this.#open(key)).offer(delivery);
  }

  /** Messages of an agent wait; its deliveries may be anywhere. */
  ring(key: AgentKey, doorbells: readonly Doorbell[] = []): void {
    const session = this.#table.get(key);
    if (session === undefined && this.#isDisabled(key)) return this.#putOff(key, doorbells);
    (session ?? this.#open(key)).ring(doorbells);
  }

  /** Puts the agents of a type to sleep, each after the turn that runs; what waits for them stays. */
  stopType(type: string): void {
    for (const session of this.#table.values()) {
      if (splitKey(session.key).type !== type) continue;
      void session.stop().then(() => this.#ringIfEnabled(session.key));
    }
  }

  rest(key: AgentKey): Promise<void> {
    return this.#table.get(key)?.sleep() ?? Promise.resolve();
  }

  /** An agent in memory may go on with what it waited for. */
  nudge(key: AgentKey): void {
    this.#table.get(key)?.nudge();
  }

  /** Whether an agent is awake here, and takes events. */
  isUp(key: AgentKey): boolean {
    return this.#table.get(key)?.isUp === true;
  }

  /** When the oldest message in hand was stored, in milliseconds since the epoch; `undefined` without any. */
  get oldestStoredMs(): number | undefined {
    let oldestMs: number | undefined;
    for (const { mailbox } of this.#table.values()) {
      const storedMs = mailbox.peek(1)[0]?.storedMs;
      if (storedMs !== undefined && storedMs < (oldestMs ?? Infinity)) oldestMs = storedMs;
    }
    return oldestMs;
  }

  has(key: AgentKey): boolean {
    return this.#table.has(key);
  }

  /** Puts every agent to sleep, in bounded time. What is not asleep by then is dropped: its lease goes with the node. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const asleep = Promise.all([...this.#table.values()].map((session) => this.#hand(session)));
    await within(this.#context.ports.clock, asleep, this.#context.limits.drainMs);
    this.drop();
  }

  /** Forgets everything: the lease is lost, or the process ends. */
  drop(): void {
    this.dropAll(() => true);
  }

  /** Forgets sessions; they start from their records again once this node may act. */
  dropAll(matches: (key: AgentKey) => boolean): void {
    for (const session of this.#table.values()) if (matches(session.key)) this.lose(session);
  }

  close(): void {
    this.#isDraining = true;
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#timer?.cancel();
    this.drop();
  }

  onGone(session: Session): void {
    if (this.#table.get(session.key) === session) this.#table.delete(session.key);
  }

  lose(session: Session): void {
    session.drop();
    this.#lost.add(session.key);
  }

  isFirst(key: AgentKey): boolean {
    return this.#partitions.firstFor(key) === this.#context.nodeId;
  }

  async forward(nodeId: string, key: AgentKey, doorbells: readonly Doorbell[]): Promise<boolean> {
    const { layout, ports } = this.#context;
    const forward: Forward = {
      key,
      doorbells: doorbells.map(({ seq, ackToken, deliveries }) => ({ seq, ackToken, deliveries })),
    };
    const answer = await ports.messenger.request(layout.nodeSubject(nodeId, 'forward'), encode(forward), FORWARD_MS);
    if (answer === undefined) this.#noAnswer(nodeId, key, 'forward');
    return answer?.length === TAKEN.length;
  }

  async requestRelease(holder: string, key: AgentKey): Promise<void> {
    const { layout, limits, nodeId, ports } = this.#context;
    const request: ReleaseRequest = { key, nodeId };
    const answer = await ports.messenger.request(
      layout.nodeSubject(holder, 'release'),
      encode(request),
      limits.releaseMs,
    );
    if (answer === undefined) this.#noAnswer(holder, key, 'release');
  }

  #noAnswer(nodeId: string, key: AgentKey, phase: 'forward' | 'release'): void {
    const { membership, telemetry } = this.#context;
    telemetry.timeouts.add(1, { type: splitKey(key).type, phase });
    membership.suspect(nodeId);
  }

  #isDisabled(key: AgentKey): boolean {
    return this.#context.disabledTypes.has(splitKey(key).type);
  }

  /** Of an agent that was enabled while it went to sleep: what rang it then was in vain. */
  #ringIfEnabled(key: AgentKey): void {
    if (!this.#isDraining && !this.#isDisabled(key)) this.ring(key);
  }

  /** Messages of an agent that may not run: whoever forwarded them does not know that yet. */
  #putOff(key: AgentKey, doorbells: readonly Doorbell[]): void {
    const inbox = inboxOf(this.#context, key);
    for (const { ackToken, deliveries } of doorbells) inbox.nak(ackToken, refusedAgainMs(deliveries));
  }

  #open(key: AgentKey): Session {
    const session = new Session(this.#context, this, key, this.#partitions.runOf(key));
    this.#table.set(key, session);
    if (this.#table.size > this.#context.limits.maxSessions) this.#evict();
    return session;
  }

  /** Puts idle agents to sleep, a few more than needed: each one is a scan. First those that were paused longest, then those that woke longest ago. */
  #evict(): void {
    let left = this.#table.size - this.#context.limits.maxSessions + Math.ceil(this.#context.limits.maxSessions / 100);
    left -= this.paused.stop(left);
    for (const session of this.#table.values()) {
      if (left <= 0) return;
      if (!session.isIdle) continue;
      left -= 1;
      void session.sleep();
    }
  }

  #hand(session: Session): Promise<void> {
    const first = this.#partitions.firstFor(session.key);
    return first === undefined || first === this.#context.nodeId ? session.sleep() : session.release(first);
  }

  #onForward(message: PlainMessage): void {
    message.respond(this.#isDraining ? REFUSED : TAKEN);
    if (this.#isDraining) return;
    const { key, doorbells } = readRequest(message.data) as Partial<Forward>;
    if (typeof key === 'string' && isCanonicalKey(key) && Array.isArray(doorbells)) this.ring(key, doorbells);
  }

  async #onRelease(message: PlainMessage): Promise<void> {
    const { key, nodeId } = readRequest(message.data) as Partial<ReleaseRequest>;
    if (key !== undefined && typeof nodeId === 'string') await this.#table.get(key)?.release(nodeId);
    message.respond(new Uint8Array());
  }

  #tend(): void {
    const { clock } = this.#context.ports;
    this.#timer = clock.setTimer(KEEP_ALIVE_MS, () => this.#tend());
    if (!this.#context.membership.mayAct()) return this.#dropUnlessSabotaged();
    this.#resumeLost();
    const nowMs = clock.monotonicMs();
    for (const session of this.#table.values()) session.mailbox.keepAlive(nowMs, KEEP_ALIVE_MS);
    if (this.payloadBytes > this.#context.limits.maxPayloadBytes) this.#dropPayloads();
  }

  /** Nobody else would write that these agents do not run here any more: they may never get another message. */
  #resumeLost(): void {
    if (this.#isDraining) return this.#lost.clear();
    // As they are now: where the lease ends meanwhile, what is rung is lost again at once, and so on without end.
    const lost = [...this.#lost];
    for (const key of lost) {
      if (!this.#context.membership.mayAct()) return;
      if (this.#isDisabled(key)) continue;
      this.#lost.delete(key);
      this.ring(key);
    }
  }

  #dropUnlessSabotaged(): void {
    if (this.#context.sabotage.cas !== true) this.drop();
  }

  /** Memory pressure drops payloads, never deliveries: what is dropped is read again when its turn comes. */
  #dropPayloads(): void {
    const largest = [...this.#table.values()].toSorted((a, b) => b.mailbox.sizeBytes - a.mailbox.sizeBytes);
    let over = this.payloadBytes - this.#context.limits.maxPayloadBytes / 2;
    for (const session of largest) {
      if (over <= 0) return;
      over -= session.mailbox.sizeBytes;
      session.mailbox.dropPayloads();
    }
  }
}
