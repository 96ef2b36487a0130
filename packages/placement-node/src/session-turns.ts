/**
 * How a session takes its turns: with how many of its messages, and in whose company.
 *
 * Most turns take all that is there, beside those of other agents. A message that a node may have died of is
 * counted durably before it runs, by itself; where several cannot be stored together, they are taken one by one.
 */
import type { MailboxMessage } from '@wakebus/core';
import type { Activation, TurnOutcome } from './activation.ts';
import type { Lane } from './lane.ts';
import type { Mailbox } from './mailbox.ts';
import type { NodeContext } from './node-context.ts';
import { mayHaveKilled, readHeld } from './park.ts';

/** What turns ask of their session when their time has come. */
interface SessionState {
  readonly isGone: () => boolean;
  /** Whether it goes to sleep as soon as it can, in a commit of its own. */
  readonly isToSleep: () => boolean;
}

export class SessionTurns {
  readonly #context: NodeContext;
  readonly #lane: Lane;
  readonly #mailbox: Mailbox;
  readonly #session: SessionState;
  #isFirst = true;
  #maxEvents: number | undefined;
  #heldFrom = 1;

  constructor(context: NodeContext, lane: Lane, mailbox: Mailbox, session: SessionState) {
    this.#context = context;
    this.#lane = lane;
    this.#mailbox = mailbox;
    this.#session = session;
  }

  /** Takes a turn of messages in hand. @returns nothing when the session is gone before there is room for one. */
  async take(
    activation: Activation,
    messages: readonly MailboxMessage[],
    fromHeld = false,
  ): Promise<TurnOutcome | undefined> {
    const [head] = messages;
    // The first message of a session may be what the session before died of.
    const isSuspect = this.#isFirst && mayHaveKilled(activation.record, this.#mailbox, head, fromHeld);
    this.#isFirst = false;
    // Under suspicion for the second time it runs alone in this node: another death then tells which one it was.
    const isBraced = isSuspect && activation.record.attempt?.seq === head?.seq;
    const { isolation, runner } = activation.definition;
    const isAlone = isBraced && isolation === undefined;
    // A program may take minutes over an event, in a process of its own: it keeps no turn of others waiting.
    if (runner === undefined) await (isAlone ? this.#lane.enterAlone() : this.#lane.enter());
    try {
      if (this.#session.isGone()) return undefined;
      if (isSuspect) this.#maxEvents = 1;
      if (isSuspect && !(await activation.brace(head))) return { kind: 'lost' };
      const isAll = !fromHeld && !this.#session.isToSleep();
      const outcome = await activation.turn({ messages, fromHeld, isAll, maxEvents: this.#maxEvents });
      if (outcome.kind === 'committed') this.#maxEvents = undefined;
      // Which of several events is to blame is known once they are taken one by one.
      if (outcome.kind === 'unfit' && outcome.events > 1) this.#maxEvents = 1;
      return outcome;
    } finally {
      if (runner === undefined) this.#lane.leave();
    }
  }

  /** As {@link take}, of what stands aside. */
  async takeHeld(activation: Activation): Promise<TurnOutcome | undefined> {
    const { key } = activation;
    const { messages, fromSeq } = await readHeld(this.#context, key, activation.record, this.#heldFrom);
    this.#heldFrom = fromSeq;
    const outcome = await this.take(activation, messages, true);
    // Waited for: what is moved aside later must not be swept away with this.
    if (outcome?.kind === 'committed' && activation.record.held === undefined)
      await this.#context.ports.held.purge(this.#context.layout.heldSubject(key));
    return outcome;
  }
}
