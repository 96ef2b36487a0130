/** Turns of agents whose behaviour is a program: a pure turn names its question, and is taken again with the answer. */
import { WakebusError, agentKey } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import {
  type AgentMemory,
  type AgentRunner,
  type Answered,
  type AnyAgentDefinition,
  type Inbound,
  type ProgramAnswer,
  type ProgramQuestion,
  type Turn,
  coalesce,
  defineAgent,
  newbornMemory,
  programMachine,
  programStateOf,
  takeTurn,
} from '../../src/mod.ts';
import { Scene, answers } from './scene.ts';

const runner: AgentRunner = {
  prepare: async () => [],
  start: () => {
    throw new Error('no program is started here');
  },
};
const definition = defineAgent({
  type: 'clerk',
  machine: programMachine(),
  runner,
  retry: { attempts: 1, backoffMs: 10 },
});
const gate = [coalesce({ windowMs: 500 })];
const key = agentKey('clerk', 'ada');
const failed = new WakebusError('PROGRAM_FAILED', { address: 'clerk/ada', event: 'book', why: 'it ended' });

/** A clerk whose program is this test. */
class Clerk {
  readonly scene: Scene;
  readonly asked: ProgramQuestion[] = [];
  memory: AgentMemory;

  constructor(type: AnyAgentDefinition = definition) {
    this.scene = new Scene(type);
    this.memory = newbornMemory(key, type, { inbox: 'inbox-1', incarnation: 1, nowMs: 1_000_000 });
  }

  take(inbound: Inbound, answer: (question: ProgramQuestion) => ProgramAnswer | WakebusError): Turn {
    const answered: Answered[] = [];
    for (;;) {
      const turn = this.#turn(inbound, answered);
      if (turn.question === undefined) {
        this.memory = turn.memory;
        return turn;
      }
      this.asked.push(turn.question);
      const given = answer(turn.question);
      answered.push(given instanceof WakebusError ? { error: given } : { answer: given });
    }
  }

  #turn(inbound: Inbound, answered: readonly Answered[]): Turn {
    const memory = { ...this.memory, seen: this.memory.seen.fork() };
    const env = { nowMs: this.scene.nowMs, nodeId: 'node-a', epoch: 1, answered };
    return takeTurn(memory, [inbound], env, { maxEvents: 1, isOver: () => false }, 0);
  }

  get state(): unknown {
    return programStateOf(this.memory.snapshot);
  }
}

test('what a program answers is one turn: state, reply, messages, timers', () => {
  const clerk = new Clerk();

  const turn = clerk.take(clerk.scene.event('book', { cents: 3 }, { id: 'one', to: '_INBOX.a' }), () => ({
    state: { cents: 3 },
    reply: 'booked',
    sends: [{ to: 'ledger/main', event: { type: 'add', cents: 3 } }],
    timers: [{ id: 'later', delayMs: 50, event: { type: 'remind' } }],
  }));

  expect(clerk.asked).toEqual([{ seq: 1, event: { type: 'book', cents: 3 }, attempt: 1, id: 'one' }]);
  expect([clerk.state, answers(turn)]).toEqual([{ cents: 3 }, [['_INBOX.a', { ok: true, value: 'booked' }]]]);
  expect(turn.outbox.map(({ to, event }) => [to, event])).toEqual([['ledger.main', { type: 'add', cents: 3 }]]);
  expect(turn.armed.map(({ id, event }) => [id, event])).toEqual([['later', { type: 'remind' }]]);
});

test('an event that comes twice is not put to the program again', () => {
  const clerk = new Clerk();
  const event = clerk.scene.event('book', {}, { id: 'one' });
  clerk.take(event, () => ({ state: 1 }));

  const turn = clerk.take(clerk.scene.again(event), () => ({ state: 2 }));

  expect([clerk.state, turn.duplicates, clerk.asked.length]).toEqual([1, 1, 1]);
});

test('messages that were early are asked after the one that they waited for, each once', () => {
  const clerk = new Clerk();
  const sender = agentKey('writer', 'bob');
  clerk.take(clerk.scene.message(sender, 2, 1, { type: 'second' }), () => failed);
  expect(clerk.asked).toEqual([]);

  const turn = clerk.take(clerk.scene.message(sender, 1, 0, { type: 'first' }), ({ event }) => ({ state: event.type }));

  expect(clerk.asked.map(({ event, from }) => [event.type, from])).toEqual([
    ['first', 'writer/bob'],
    ['second', 'writer/bob'],
  ]);
  expect([clerk.state, turn.duplicates, clerk.memory.record.early]).toEqual(['second', 0, []]);
});

test('a program that fails leaves the agent as it was, and each try says which one it is', () => {
  const clerk = new Clerk();
  clerk.take(clerk.scene.event('book'), () => ({ state: 1 }));
  const event = clerk.scene.event('book');

  const first = clerk.take(event, () => failed);
  const second = clerk.take(event, () => failed);

  expect([first.failure?.error.code, first.consumed, clerk.state]).toEqual(['PROGRAM_FAILED', 0, 1]);
  expect(second.deadLetters.map(({ code, attempts }) => [code, attempts])).toEqual([['DEAD_LETTERED', 2]]);
  expect(clerk.asked.map(({ attempt }) => attempt)).toEqual([1, 1, 2]);
});

test('an event that waited at the gate says which try it is, although it is not the message that is tried again', () => {
  const clerk = new Clerk(defineAgent({ type: 'clerk', machine: programMachine(), runner, gate }));
  clerk.take(clerk.scene.event('book'), () => failed);
  const [timer] = clerk.memory.record.timers;
  const due = clerk.scene.fire(timer?.id ?? '', timer?.generation ?? 0);

  clerk.take(due, () => failed);
  clerk.take(due, () => ({ state: 1 }));

  expect(clerk.asked.map(({ event, attempt }) => [event.type, attempt])).toEqual([
    ['book', 1],
    ['book', 2],
  ]);
  expect(clerk.state).toBe(1);
});

test('an answer that the machine cannot take is a failure of that event', () => {
  const clerk = new Clerk();

  const turn = clerk.take(clerk.scene.event('book'), () => ({
    state: 1,
    sends: [{ to: 'nowhere', event: { type: 'x' } }],
  }));

  expect([turn.failure?.error.code, turn.outbox, clerk.state]).toEqual(['INVALID_ADDRESS', [], null]);
});

test('a program completes its agent', () => {
  const clerk = new Clerk();

  const turn = clerk.take(clerk.scene.event('close'), () => ({ complete: { output: { cents: 9 } } }));

  expect([turn.memory.snapshot?.output, turn.memory.record.lifecycle.name]).toEqual([{ cents: 9 }, 'completed']);
});
