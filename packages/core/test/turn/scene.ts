/** One agent, its mailbox and its turns, without a bus: for the tests of this folder. */
import {
  type AgentKey,
  type EffectResolution,
  type EffectResult,
  type Headers,
  type JournalEntry,
  type ReplyBody,
  SeenIndex,
  agentKey,
  decode,
  decodeRecord,
  encodeRecord,
} from '@wakebus/protocol';
import { assign, cancel, emit, raise, setup } from 'xstate';
import {
  type Admission,
  type AgentMemory,
  type AnyAgentDefinition,
  type Inbound,
  type Turn,
  type TurnLimits,
  decodeSnapshot,
  defineAgent,
  freeze,
  newbornMemory,
  openEffects,
  refuse,
  reply,
  sendToAgent,
  sleepNow,
  startDue,
  takeTurn,
} from '../../src/mod.ts';

type NoteEvent =
  | { type: 'note'; word: string }
  | { type: 'send'; to: string; word: string }
  | { type: 'later'; ms: number }
  | { type: 'never' | 'tell' | 'decline' | 'boom' | 'rest' | 'act' | 'finish' | 'shout' | 'open' | 'close' | 'rung' };

/** What custom actions of the notebook did; they run only when somebody runs them. */
export const acted: string[] = [];

const machine = setup({
  types: { context: {} as { words: string[] }, events: {} as NoteEvent },
  actions: {
    keep: assign({ words: ({ context, event }) => [...context.words, 'word' in event ? event.word : event.type] }),
  },
}).createMachine({
  id: 'notebook',
  context: { words: [] },
  initial: 'open',
  on: {
    tell: { actions: reply(({ context }) => context.words) },
    finish: '.finished',
  },
  states: {
    open: {
      on: {
        note: { actions: 'keep' },
        send: {
          actions: [
            'keep',
            sendToAgent(
              ({ event }) => (event.type === 'send' ? event.to : ''),
              ({ event }) => ({ type: 'note', word: event.type === 'send' ? event.word : '' }),
            ),
          ],
        },
        later: {
          actions: [
            cancel('bell'),
            raise({ type: 'rung' }, { id: 'bell', delay: ({ event }) => (event.type === 'later' ? event.ms : 0) }),
          ],
        },
        never: { actions: cancel('bell') },
        rung: { actions: 'keep' },
        decline: { actions: refuse('it is Sunday', { open: 'Monday' }) },
        boom: {
          guard: () => {
            throw new Error('it burst');
          },
        },
        rest: { actions: sleepNow() },
        act: { actions: () => void acted.push('acted') },
        shout: { actions: emit({ type: 'shouted' }) },
        close: 'closed',
      },
    },
    closed: { after: { 1000: 'open' }, on: { close: { target: 'closed', reenter: true }, open: 'open' } },
    finished: { type: 'final' },
  },
});

/** An agent type that keeps the words it is told. */
export function notebook(options: object = {}): AnyAgentDefinition {
  return defineAgent({ type: 'notebook', machine, retry: { attempts: 2, backoffMs: 100 }, ...options } as never);
}

const NO_HEADERS: Headers = {};
const SELF = agentKey('notebook', 'one');

/** An agent that takes turns at a time that the test moves. */
export class Scene {
  readonly definition: AnyAgentDefinition;
  memory: AgentMemory;
  nowMs = 1_000_000;
  #seq = 0;

  constructor(definition: AnyAgentDefinition = notebook()) {
    this.definition = definition;
    this.memory = newbornMemory(SELF, definition, { inbox: 'inbox-1', incarnation: 1, nowMs: this.nowMs });
  }

  get words(): readonly string[] {
    return (this.memory.snapshot?.context as { words: string[] } | undefined)?.words ?? [];
  }

  get record(): AgentMemory['record'] {
    return this.memory.record;
  }

  /** Takes one turn over messages and commits it. */
  take(inbounds: readonly Inbound[], limits: Partial<TurnLimits> = {}, backoff = 0, isLate = false): Turn {
    const turn = takeTurn(
      this.memory,
      inbounds,
      { nowMs: this.nowMs, nodeId: 'node-a', epoch: this.record.lease.epoch + 1, isLate },
      { maxEvents: 256, isOver: () => false, ...limits },
      backoff,
    );
    this.memory = turn.memory;
    return turn;
  }

  /** Takes turns until every message is taken; failed ones are tried again. */
  takeAll(inbounds: readonly Inbound[], limits: Partial<TurnLimits> = {}): readonly Turn[] {
    const turns: Turn[] = [];
    for (let left = inbounds; left.length > 0;) {
      const turn = this.take(left, limits);
      turns.push(turn);
      left = left.slice(turn.consumed);
    }
    return turns;
  }

  /** Sleeps and wakes again: everything goes through bytes. */
  rehydrate(definition: AnyAgentDefinition = this.definition): void {
    const record = decodeRecord(SELF, encodeRecord(freeze(this.memory).record));
    const empty = record.snapshot.length === 0;
    const snapshot = empty
      ? undefined
      : decodeSnapshot(definition, record.snapshot, record.machineVersion, undefined, openEffects(record.journal));
    const seen = new SeenIndex(record.seen, definition.dedupe.horizonMs);
    this.memory = { key: SELF, definition, record, snapshot, seen };
  }

  /** Sleeps, and is woken no further than to the gate: the state stays bytes. */
  toTheGate(): void {
    this.rehydrate();
    this.memory = { ...this.memory, snapshot: undefined, isUndecoded: true };
  }

  event(type: string, fields: object = {}, more: { readonly id?: string; readonly to?: string } = {}): Inbound {
    return {
      ...this.#base(more.id),
      kind: 'event',
      event: { ...fields, type },
      ...(more.to !== undefined && { reply: { subject: more.to, deadlineMs: this.nowMs + 1_000 } }),
    };
  }

  note(word: string, id?: string): Inbound {
    return this.event('note', { word }, id === undefined ? {} : { id });
  }

  /** Message `number` of a sender's chain. */
  message(
    sender: AgentKey,
    number: number,
    previous: number,
    event: { type: string; word?: string },
    previousMs: number = this.nowMs,
  ): Inbound {
    return {
      ...this.#base(),
      kind: 'message',
      message: { v: 1, sender, incarnation: 1, number, previous, previousMs, id: `${number}.0`, event },
    };
  }

  fire(id: string, generation: number, dueMs: number = this.nowMs): Inbound {
    return { ...this.#base(), kind: 'timer', fire: { v: 1, id, generation, dueMs } };
  }

  control(verb: 'remove' | 'suspend' | 'release'): Inbound {
    return { ...this.#base(), kind: 'control', control: { v: 1, verb } };
  }

  /** How the attempt of an effect ended that stands in the journal, or another one. */
  result(fields: Partial<EffectResult> & Pick<EffectResult, 'outcome'>): Inbound {
    const { id = '', generation = 0, attempt = 0 } = this.record.journal.at(-1) ?? {};
    return { ...this.#base(), kind: 'effect', result: { v: 1, id, generation, attempt, ...fields } };
  }

  /** An operator's word on an effect. */
  resolve(effect: EffectResolution, to: string): Inbound {
    const caller = { subject: to, deadlineMs: this.nowMs + 1_000 };
    return { ...this.#base(), reply: caller, kind: 'control', control: { v: 1, verb: 'resolve', effect } };
  }

  /** Starts what is due, as a placement node does in a commit of its own. */
  startEffects(node: string = 'node-a', admission: Admission = { kind: 'start' }): readonly JournalEntry[] {
    const { journal, started } = startDue(this.definition, this.record, node, this.nowMs, () => admission);
    this.memory = { ...this.memory, record: { ...this.record, journal } };
    return started;
  }

  /** The same message once more, as a publisher or a redelivery would store it: under a new sequence. */
  again(inbound: Inbound): Inbound {
    return { ...inbound, seq: (this.#seq += 1) };
  }

  #base(messageId?: string): {
    seq: number;
    headers: Headers;
    sizeBytes: number;
    storedMs: number;
    messageId?: string;
  } {
    this.#seq += 1;
    return {
      seq: this.#seq,
      headers: NO_HEADERS,
      sizeBytes: 100,
      storedMs: this.nowMs,
      ...(messageId !== undefined && { messageId }),
    };
  }
}

/** What callers get from a turn. */
export function answers(turn: Turn): ReadonlyArray<readonly [subject: string, body: ReplyBody]> {
  return turn.replies.map(({ subject, body }) => [subject, decode(body) as ReplyBody]);
}
