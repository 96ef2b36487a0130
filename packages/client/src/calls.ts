/**
 * Calls that wait for their answer: one subscription for all of them, and the record to ask when no
 * answer comes.
 *
 * The answer is published once, after the commit. When it is lost (a crash, a reconnect) or went to an
 * earlier asker (a duplicate), the record still has it.
 */
import {
  type AgentKey,
  type ReplyBody,
  WakebusError,
  addressOf,
  decode,
  errorFromJson,
  isWakebusError,
} from '@wakebus/protocol';
import { findKeptReply } from './kept-reply.ts';
import type { ClientPorts, ClientTimer } from './ports.ts';
import type { Stored } from './publish.ts';

/** Looks into the record, in milliseconds after the message was stored, each later than the last; the last pause repeats. */
const ASK_PAUSES_MS = [1_000, 2_000, 4_000] as const;
/** The same for a duplicate: no answer comes by itself, so the record is all there is. */
const DUPLICATE_PAUSES_MS = [0, 20, 50, 100, 250, 500, 1_000] as const;

/** What a call waits for. */
export interface CallFacts {
  readonly key: AgentKey;
  readonly messageId: string;
  readonly deadlineMs: number;
  /** The same deadline in monotonic milliseconds. */
  readonly untilMs: number;
}

/** All calls of one client. */
export class Calls {
  readonly #ports: ClientPorts;
  readonly #root: string;
  readonly #waiting = new Map<string, PendingCall>();
  #subscription: { stop(): void } | undefined;
  #lastToken = 0;

  constructor(ports: ClientPorts) {
    this.#ports = ports;
    this.#root = `_INBOX.${ports.random.id()}.`;
  }

  /** Prepares for an answer. Publish under its `subject`, then tell it what became of that. */
  open(facts: CallFacts): PendingCall {
    this.#subscription ??= this.#ports.messenger.subscribe(`${this.#root}*`, (message) =>
      this.#waiting.get(message.subject)?.answer(decode(message.data) as ReplyBody),
    );
    const subject = this.#root + (this.#lastToken += 1).toString(36);
    const call = new PendingCall(this.#ports, facts, subject, () => this.#waiting.delete(subject));
    this.#waiting.set(subject, call);
    return call;
  }

  /** Ends the subscription. Whoever still waits gets an error. */
  close(): void {
    this.#subscription?.stop();
    this.#subscription = undefined;
    for (const call of this.#waiting.values()) call.fail(call.timeoutError());
  }
}

/** One call on its way. */
export class PendingCall {
  /** Resolves with the agent's answer. */
  readonly answered: Promise<unknown>;
  readonly subject: string;
  readonly #ports: ClientPorts;
  readonly #facts: CallFacts;
  readonly #onEnd: () => void;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  #timer: ClientTimer | undefined;
  #stored: Stored | undefined;
  #looks = 0;
  #seenGone = false;
  #ended = false;

  constructor(ports: ClientPorts, facts: CallFacts, subject: string, onEnd: () => void) {
    this.#ports = ports;
    this.#facts = facts;
    this.subject = subject;
    this.#onEnd = onEnd;
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#wait(facts.untilMs - ports.clock.monotonicMs());
  }

  /** The message is stored: from now on the record may have the answer. */
  stored(stored: Stored): void {
    this.#stored = stored;
    this.#waitForLook();
  }

  answer(body: ReplyBody): void {
    if (!this.#end()) return;
    if (body.ok) this.#resolve(body.value);
    else this.#reject(errorFromJson(body.error));
  }

  fail(error: unknown): void {
    if (this.#end()) this.#reject(error);
  }

  /** What the caller gets when the time is over. */
  timeoutError(): WakebusError {
    const { key, messageId, deadlineMs } = this.#facts;
    const address = addressOf(key);
    if (this.#stored === undefined)
      return new WakebusError('OUTCOME_UNKNOWN', { what: `The call to ${address}`, id: messageId });
    return new WakebusError('CALL_TIMEOUT', { address, messageId, deadlineMs });
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#timer?.cancel();
    this.#onEnd();
    return true;
  }

  #wait(delayMs: number): void {
    if (this.#ended) return;
    this.#timer?.cancel();
    this.#timer = this.#ports.clock.setTimer(Math.max(0, delayMs), () => void this.#wake());
  }

  #waitForLook(): void {
    const pauses = this.#stored?.duplicate === true ? DUPLICATE_PAUSES_MS : ASK_PAUSES_MS;
    const pauseMs = pauses[Math.min(this.#looks, pauses.length - 1)] as number;
    this.#looks += 1;
    this.#wait(Math.min(pauseMs, this.#facts.untilMs - this.#ports.clock.monotonicMs()));
  }

  async #wake(): Promise<void> {
    const stored = this.#stored;
    if (stored !== undefined) await this.#look(stored.seq);
    if (this.#ended) return;
    if (this.#ports.clock.monotonicMs() >= this.#facts.untilMs) this.fail(this.timeoutError());
    else this.#waitForLook();
  }

  async #look(seq: number): Promise<void> {
    const { key, messageId } = this.#facts;
    try {
      const found = await findKeptReply(this.#ports.agents, key, messageId, seq);
      if (found.kind === 'answered') this.answer(found.body);
      else if (found.kind === 'gone') this.#takeGone();
    } catch (error) {
      // A replica that does not answer is asked again; a record that cannot be read will not change.
      if (!isWakebusError(error, 'UNAVAILABLE')) this.fail(error);
    }
  }

  /** An answer too large to be kept may still be on its way when its commit is seen: once more, then it is lost. */
  #takeGone(): void {
    const { key, messageId } = this.#facts;
    if (this.#seenGone) this.fail(new WakebusError('REPLY_EXPIRED', { address: addressOf(key), messageId }));
    this.#seenGone = true;
  }
}
