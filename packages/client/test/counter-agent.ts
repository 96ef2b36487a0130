/** The agent of these tests: it counts, answers, refuses, emits, throws and completes. */
import { defineAgent, refuse, reply, sleepNow } from '@wakebus/core';
import { assign, emit, setup } from 'xstate';

type CounterEvent =
  | { type: 'add'; by: number }
  | { type: 'tell' }
  | { type: 'long'; bytes: number }
  | { type: 'decline'; why: string }
  | { type: 'shout'; word: string }
  | { type: 'explode' }
  | { type: 'rest' }
  | { type: 'finish' };

const machine = setup({
  types: {
    context: {} as { total: number; seen: string[] },
    events: {} as CounterEvent,
    emitted: {} as { type: 'shouted'; word: string },
  },
}).createMachine({
  id: 'counter',
  context: { total: 0, seen: [] },
  initial: 'open',
  states: {
    open: {
      on: {
        add: {
          actions: [
            assign({ total: ({ context, event }) => context.total + event.by }),
            reply(({ context }) => context.total),
          ],
        },
        tell: { actions: reply(({ context }) => ({ total: context.total })) },
        long: { actions: reply(({ event }) => 'x'.repeat(event.type === 'long' ? event.bytes : 0)) },
        decline: { actions: refuse(({ event }) => (event.type === 'decline' ? event.why : ''), { hint: 'ask later' }) },
        shout: { actions: emit(({ event }) => ({ type: 'shouted', word: event.word })) },
        explode: {
          actions: () => {
            throw new Error('never run on the commit path');
          },
          guard: () => {
            throw new Error('it exploded');
          },
        },
        rest: { actions: sleepNow() },
        finish: { target: 'closed' },
      },
    },
    closed: { type: 'final' },
  },
});

export const counter = defineAgent({ type: 'counter', machine, retry: { attempts: 1, backoffMs: 10 } });
