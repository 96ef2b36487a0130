/**
 * Which placement nodes live, and whether this one still may act.
 *
 * A node's word is its key in the leases bucket, renewed by compare-and-set; its pulse is a plain
 * heartbeat, so that a killed or stopped node is passed over long before its key runs out. Only the
 * key matters for correctness, and even that only saves work: the fence is the record's revision.
 */
import { type Layout, encode } from '@wakebus/protocol';
import type { Clock, ClockTimer } from './ports/clock.ts';
import type { Messenger, Subscription } from './ports/messenger.ts';
import type { RecordStore, StoredValue, Watch } from './ports/record-store.ts';
import { readObject } from './read-object.ts';

/** A key lives so long without a renewal, in milliseconds. */
const LEASE_TTL_MS = 10_000;
/** Renewed every third of the time to live: two lost renewals then cost nothing. */
const RENEW_EVERY_MS = 3_000;
/** This node stops acting so long before its key can run out, in milliseconds: a reply on its way must still be ours. */
const STOP_BEFORE_MS = 2_000;
/** Heartbeats come this often, in milliseconds. */
const BEAT_EVERY_MS = 300;
/** A node without a heartbeat for so long is silent: four lost ones are not bad luck. */
const SILENT_AFTER_MS = 1_200;

/** What a placement node says of itself. */
export interface Member {
  readonly nodeId: string;
  readonly pool: string;
  /** Agent types with the machine version that it runs. */
  readonly types: Readonly<Record<string, number>>;
  readonly state: 'active' | 'draining';
  readonly startedMs: number;
}

export interface MembershipPorts {
  readonly layout: Layout;
  readonly clock: Clock;
  readonly messenger: Messenger;
  readonly leases: RecordStore;
}

/** The members that this node sees, and its own lease. */
export class Membership {
  readonly #ports: MembershipPorts;
  readonly #onChange: () => void;
  readonly #onLeft: () => void;
  readonly #others = new Map<string, Member>();
  /** Monotonic time of the last heartbeat. */
  readonly #beats = new Map<string, number>();
  readonly #silent = new Set<string>();
  #self: Member;
  #revision = 0;
  #deadlineMs = -Infinity;
  #timers: ClockTimer[] = [];
  #subscription: Subscription | undefined;
  #watch: Watch | undefined;
  #closed = false;

  /**
   * @param onChange - Called whenever the set of living members may have changed.
   * @param onLeft - Called when a member's lease is gone: nothing of it is at work any more, as far as may be assumed.
   */
  constructor(ports: MembershipPorts, self: Member, onChange: () => void, onLeft: () => void = () => {}) {
    this.#ports = ports;
    this.#self = self;
    this.#onChange = onChange;
    this.#onLeft = onLeft;
  }

  get self(): Member {
    return this.#self;
  }

  /** Whether this node's lease surely lives. Checked before every output. */
  mayAct(): boolean {
    return this.#ports.clock.monotonicMs() < this.#deadlineMs;
  }

  /** Until when it might or may act, in monotonic milliseconds; before its first lease, `-Infinity`. */
  get actedUntilMs(): number {
    return this.#deadlineMs;
  }

  /** Joins: writes the key, listens, and knows the members that were there. */
  async join(): Promise<void> {
    const { messenger, layout, leases } = this.#ports;
    this.#subscription = messenger.subscribe(layout.beatSubject, (message) => this.#onBeat(message.data));
    this.#watch = await leases.watch('>', (key, value) => this.#onLease(key, value));
    await this.#renew();
    this.#beat();
    this.#renewLater();
  }

  /** Says that this node takes no more work. Others rank without it at once. */
  async startDraining(): Promise<void> {
    this.#self = { ...this.#self, state: 'draining' };
    this.#sendBeat();
    this.#onChange();
    await this.#renew();
  }

  /** Leaves: the key goes, and with it every claim that names this node. */
  async leave(): Promise<void> {
    this.close();
    await this.#ports.leases.remove(this.#self.nodeId, this.#revision);
    this.#deadlineMs = -Infinity;
  }

  /** Stops without a word, as a crash would. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#subscription?.stop();
    this.#watch?.stop();
  }

  /** Whether a node's key is there: it may be at work, however silent. */
  hasLease(nodeId: string): boolean {
    return nodeId === this.#self.nodeId || this.#others.has(nodeId);
  }

  /** Whether a node's key and pulse are there. */
  isLiving(nodeId: string): boolean {
    if (nodeId === this.#self.nodeId) return true;
    return this.#others.has(nodeId) && !this.#isSilent(nodeId);
  }

  /** Living members that take work, this node among them. */
  active(): Member[] {
    const all = [this.#self, ...this.#others.values()];
    return all.filter((member) => member.state === 'active' && this.isLiving(member.nodeId));
  }

  /** A request to this node found nobody, or no answer: it is passed over until its next heartbeat. */
  suspect(nodeId: string): void {
    if (!this.#beats.has(nodeId)) return;
    this.#beats.delete(nodeId);
    this.#silent.add(nodeId);
    this.#onChange();
  }

  #isSilent(nodeId: string): boolean {
    const lastMs = this.#beats.get(nodeId);
    return lastMs === undefined || this.#ports.clock.monotonicMs() - lastMs > SILENT_AFTER_MS;
  }

  #onLease(key: string, value: StoredValue): void {
    if (key === this.#self.nodeId) return;
    if (value.bytes === undefined) {
      if (!this.#others.delete(key)) return;
      this.#onChange();
      this.#onLeft();
      return;
    }
    const member = readObject(value.bytes) as Member | undefined;
    if (typeof member?.nodeId !== 'string' || typeof member.types !== 'object') return;
    const known = this.#others.get(key);
    this.#others.set(key, member);
    if (known === undefined) this.#beats.set(key, this.#ports.clock.monotonicMs());
    if (known?.state !== member.state || JSON.stringify(known.types) !== JSON.stringify(member.types)) this.#onChange();
  }

  #onBeat(data: Uint8Array): void {
    const { nodeId, state } = (readObject(data) ?? {}) as Partial<Pick<Member, 'nodeId' | 'state'>>;
    if (nodeId === undefined || state === undefined) return;
    if (nodeId === this.#self.nodeId) return;
    const member = this.#others.get(nodeId);
    const wasSilent = this.#silent.delete(nodeId);
    this.#beats.set(nodeId, this.#ports.clock.monotonicMs());
    if (member !== undefined && member.state !== state) this.#others.set(nodeId, { ...member, state });
    if (wasSilent || (member !== undefined && member.state !== state)) this.#onChange();
  }

  #beat(): void {
    if (this.#closed) return;
    this.#sendBeat();
    this.#noticeSilence();
    this.#timers[0] = this.#ports.clock.setTimer(BEAT_EVERY_MS, () => this.#beat());
  }

  #sendBeat(): void {
    const { nodeId, state } = this.#self;
    this.#ports.messenger.publish(this.#ports.layout.beatSubject, encode({ nodeId, state }));
  }

  #noticeSilence(): void {
    const fresh = [...this.#others.keys()].filter((nodeId) => this.#isSilent(nodeId) && !this.#silent.has(nodeId));
    for (const nodeId of fresh) this.#silent.add(nodeId);
    if (fresh.length > 0) this.#onChange();
  }

  #renewLater(): void {
    if (this.#closed) return;
    // A lost lease is sought again sooner: until then this node does nothing.
    const waitMs = this.mayAct() ? RENEW_EVERY_MS : RENEW_EVERY_MS / 3;
    this.#timers[1] = this.#ports.clock.setTimer(waitMs, () => {
      void this.#renew().finally(() => this.#renewLater());
    });
  }

  /** One renewal. The deadline counts from before the request, so that it is never later than the key's own. */
  async #renew(): Promise<void> {
    const { leases, clock } = this.#ports;
    const startedMs = clock.monotonicMs();
    const { nodeId } = this.#self;
    const outcome = await leases.put(nodeId, encode(this.#self), this.#revision, { ttlMs: LEASE_TTL_MS });
    if (outcome.kind === 'stored') {
      this.#revision = outcome.revision;
      const acted = this.mayAct();
      this.#deadlineMs = startedMs + LEASE_TTL_MS - STOP_BEFORE_MS;
      if (!acted) this.#onChange();
      return;
    }
    if (outcome.kind === 'conflict') await this.#adopt();
  }

  /** Our key is at another revision: it ran out, or an unanswered renewal of ours was applied. */
  async #adopt(): Promise<void> {
    try {
      this.#revision = (await this.#ports.leases.getFresh(this.#self.nodeId)).revision;
    } catch {
      // The next renewal finds out.
    }
  }
}
