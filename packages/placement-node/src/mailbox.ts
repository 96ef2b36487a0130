/**
 * What a session knows of its agent's mailbox: messages in hand, and the deliveries to answer for.
 *
 * Deliveries are doorbells. A delivered message may be processed without a read only while this node
 * has seen every delivery of that consumer, without a gap, since the session last read the mailbox:
 * under backlog the server also serves other nodes, and what they got would be skipped.
 */
import type { MailboxMessage } from '@wakebus/core';
import { WakebusError } from '@wakebus/protocol';
import type { Delivery, EventLog } from './ports/event-log.ts';

/** Messages fetched by one read: as many as one commit may take. */
const READ_LIMIT = 256;

/** Reads in a row that show nothing although the leader has something: by then a replica lags too far to wait for. */
const STALE_ROUNDS = 8;

/** A delivery that somebody must answer for. */
export interface Doorbell {
  readonly seq: number;
  readonly ackToken: string;
  /** How often the message has been delivered; more than once where that is not known. */
  readonly deliveries: number;
}

/** A doorbell in a mailbox. */
export interface HeldDoorbell extends Doorbell {
  /** When the server was last told that this message is in work, in monotonic milliseconds. */
  touchedMs: number;
}

/** The unbroken run of deliveries that a partition is in. */
export interface DeliveryRun {
  /** Rises whenever a delivery may have gone elsewhere. */
  readonly run: number;
}

/** No run is trusted: the next delivery must be answered by a read. */
const UNTRUSTED = -1;

export class Mailbox {
  readonly #inbox: EventLog;
  readonly #filter: string;
  readonly #partition: DeliveryRun;
  #messages: MailboxMessage[] = [];
  #doorbells: HeldDoorbell[] = [];
  /** Deliveries that came while a read was under way. */
  #during: Delivery[] | undefined;
  /** The run in which deliveries follow on from what is in hand. */
  #run = UNTRUSTED;
  /** Messages may wait that are not in hand. */
  #ringing = false;
  /** What the inbox's leader had stored before the read that comes next. */
  #leaderSeq = 0;
  #cursor = 0;
  #sizeBytes = 0;

  constructor(inbox: EventLog, filter: string, partition: DeliveryRun) {
    this.#inbox = inbox;
    this.#filter = filter;
    this.#partition = partition;
  }

  /** Bytes of payloads in hand. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Messages in hand. */
  get length(): number {
    return this.#messages.length;
  }

  get doorbells(): readonly Doorbell[] {
    return this.#doorbells;
  }

  /** Whether there is, or may be, something to process. */
  get hasWork(): boolean {
    return this.#messages.length > 0 || this.#ringing;
  }

  /** Whether {@link fill} has something to do. */
  get isRinging(): boolean {
    return this.#ringing;
  }

  /** Somebody says that messages wait; which ones must be read. */
  ring(): void {
    this.#ringing = true;
  }

  /** Takes a delivery. */
  offer(delivery: Delivery, nowMs: number): void {
    this.addDoorbell(delivery, nowMs);
    if (this.#during !== undefined) this.#during.push(delivery);
    else this.#take(delivery);
  }

  /** Takes over the duty to answer for a delivery, whose message will be read. */
  addDoorbell(doorbell: Doorbell, nowMs: number): void {
    const held: HeldDoorbell = {
      seq: doorbell.seq,
      ackToken: doorbell.ackToken,
      deliveries: doorbell.deliveries,
      touchedMs: nowMs,
    };
    let i = this.#doorbells.length;
    while (i > 0 && (this.#doorbells[i - 1] as HeldDoorbell).seq > doorbell.seq) i -= 1;
    const same = this.#doorbells[i - 1]?.seq === doorbell.seq;
    this.#doorbells.splice(same ? i - 1 : i, same ? 1 : 0, held);
  }

  /**
   * Makes sure that what is in hand starts with the first message after the cursor.
   *
   * @throws {WakebusError} `UNAVAILABLE` when the mailbox could not be read, or the read was stale.
   */
  async fill(): Promise<void> {
    if (!this.#ringing) return;
    const during: Delivery[] = [];
    this.#during = during;
    this.#leaderSeq = 0;
    try {
      for (let round = 0; !(await this.#read()); round += 1) if (round === STALE_ROUNDS) throw staleRead();
    } catch (thrown) {
      this.#ringing = true;
      throw thrown;
    } finally {
      this.#during = undefined;
    }
    for (const delivery of during) this.#take(delivery);
  }

  /** One read. @returns whether it shows something to process, or that there is nothing. */
  async #read(): Promise<boolean> {
    const { run } = this.#partition;
    const before = [...this.#doorbells];
    // Whoever rings from now on rings for what this read may not show.
    this.#ringing = false;
    const [newest, messages] = await Promise.all([
      this.#inbox.last(this.#filter),
      this.#inbox.read(this.#filter, this.#cursor + 1, READ_LIMIT),
    ]);
    const reached = Math.max(messages.at(-1)?.seq ?? 0, this.#cursor);
    // The leader has more: the replica lags, or the message came in between. A prefix is right all the same.
    const isComplete =
      messages.length < READ_LIMIT &&
      (newest === undefined || newest.seq <= reached) &&
      (await this.#showsAllDelivered(before, reached));
    this.#replace(messages.filter((message) => message.seq > this.#cursor));
    this.#ringing ||= !isComplete;
    // The run as it was when the read began: what went elsewhere since then was not read.
    this.#run = isComplete ? run : UNTRUSTED;
    if (isComplete) this.#dropMissing(before, reached);
    return isComplete || this.#messages.length > 0;
  }

  /**
   * Whether nothing is missing of what was delivered, except what is gone. A delivery comes from the leader
   * of the consumer, which may have stored a message that the stream's leader, asked here, has yet to store.
   * Only one that had reached the message's sequence before it was read knows that it is gone.
   */
  async #showsAllDelivered(before: readonly HeldDoorbell[], reached: number): Promise<boolean> {
    const delivered = before.at(-1)?.seq ?? 0;
    if (delivered <= Math.max(reached, this.#leaderSeq)) return true;
    this.#leaderSeq = (await this.#inbox.info()).lastSeq;
    return false;
  }

  /** The messages in hand, ascending, as they are now: more may come while somebody goes through them. They stay until {@link advance} passes them. */
  peek(limit: number): readonly MailboxMessage[] {
    return this.#messages.slice(0, limit);
  }

  /** Moves past everything up to a sequence. */
  advance(cursor: number): void {
    this.#cursor = Math.max(this.#cursor, cursor);
    let passed = 0;
    while (passed < this.#messages.length && (this.#messages[passed] as MailboxMessage).seq <= this.#cursor) {
      this.#sizeBytes -= (this.#messages[passed] as MailboxMessage).data.length;
      passed += 1;
    }
    if (passed > 0) this.#messages = passed === this.#messages.length ? [] : this.#messages.slice(passed);
  }

  /** Whether a message was delivered just once, to this node: nobody has run it before. */
  isFresh(seq: number): boolean {
    return this.#doorbells.some((doorbell) => doorbell.seq === seq && doorbell.deliveries === 1);
  }

  /** Hands out the doorbells up to a sequence; whoever takes them answers for them. */
  takeDoorbells(upTo: number): readonly HeldDoorbell[] {
    let count = 0;
    while (count < this.#doorbells.length && (this.#doorbells[count] as HeldDoorbell).seq <= upTo) count += 1;
    return count === 0 ? [] : this.#doorbells.splice(0, count);
  }

  /**
   * Acknowledges the deliveries up to a sequence of which nothing is owed any more.
   *
   * @param keepsOne - Something else is owed: one delivery stays, so that whoever gets it next finds that out.
   */
  acknowledge(upTo: number, keepsOne: boolean, isDone: (seq: number) => boolean): void {
    const passed = this.takeDoorbells(upTo);
    const waiting = passed.filter(({ seq }) => !isDone(seq));
    const kept = keepsOne && waiting.length === 0 ? passed.slice(-1) : waiting;
    let next = 0;
    for (const doorbell of passed) {
      if (doorbell === kept[next]) next += 1;
      else this.#inbox.ack(doorbell.ackToken);
    }
    if (kept.length > 0) this.#doorbells.unshift(...kept);
  }

  /**
   * Has what comes after a sequence delivered again in a while, to whoever comes first then.
   *
   * @param delayMs - How long that is for a message that has been delivered so often, in milliseconds.
   */
  giveBack(afterSeq: number, delayMs: (deliveries: number) => number): void {
    const left = this.#doorbells.filter(({ seq }) => seq > afterSeq);
    this.#doorbells = this.#doorbells.filter(({ seq }) => seq <= afterSeq);
    for (const { ackToken, deliveries } of left) this.#inbox.nak(ackToken, delayMs(deliveries));
  }

  /** Tells the server that deliveries held for long are still in work. */
  keepAlive(nowMs: number, olderThanMs: number): void {
    for (const doorbell of this.#doorbells) {
      if (nowMs - doorbell.touchedMs < olderThanMs) continue;
      doorbell.touchedMs = nowMs;
      this.#inbox.working(doorbell.ackToken);
    }
  }

  /** Lets payloads go; they are read again when their turn comes. */
  dropPayloads(): void {
    if (this.#messages.length === 0) return;
    this.#replace([]);
    this.#run = UNTRUSTED;
    this.#ringing = true;
  }

  #take(delivery: Delivery): void {
    const lastSeq = this.#messages.at(-1)?.seq ?? this.#cursor;
    if (delivery.seq <= lastSeq) return;
    if (this.#ringing || this.#run !== this.#partition.run || delivery.deliveries > 1) {
      this.#ringing = true;
      return;
    }
    this.#messages.push(delivery);
    this.#sizeBytes += delivery.data.length;
  }

  #replace(messages: MailboxMessage[]): void {
    this.#messages = messages;
    this.#sizeBytes = messages.reduce((sum, message) => sum + message.data.length, 0);
  }

  /** Deliveries of messages that the leader has no more: they were passed by another session. */
  #dropMissing(before: readonly HeldDoorbell[], reached: number): void {
    const missing = new Set(before.filter(({ seq }) => seq > reached));
    if (missing.size === 0) return;
    this.#doorbells = this.#doorbells.filter((doorbell) => !missing.has(doorbell));
    for (const { ackToken } of missing) this.#inbox.ack(ackToken);
  }
}

/** Less than the leader has: a replica that lags. What it does not show must not be passed. */
function staleRead(): WakebusError {
  return new WakebusError('UNAVAILABLE', { what: 'An up-to-date replica of the inbox' });
}
