/** The agent of these tests: it keeps what it was sent, answers, refuses, sleeps and completes. */
import { defineAgent, refuse, reply, sleepNow } from '@wakebus/core';
import { assign, emit, setup } from 'xstate';

type TallyEvent =
  | { type: 'note'; text: string }
  | { type: 'count' }
  | { type: 'tell' }
  | { type: 'decline' }
  | { type: 'shout'; word: string }
  | { type: 'rest' }
  | { type: 'finish' };

const machine = setup({
  types: {
    context: {} as { notes: string[]; events: number },
    events: {} as TallyEvent,
    emitted: {} as { type: 'shouted'; word: string },
  },
}).createMachine({
  context: { notes: [], events: 0 },
  initial: 'open',
  states: {
    open: {
      on: {
        note: {
          actions: [
            assign({
              notes: ({ context, event }) => [...context.notes, event.text],
              events: ({ context }) => context.events + 1,
            }),
            reply(({ context }) => ({ notes: context.notes.length })),
          ],
        },
        count: { actions: assign({ events: ({ context }) => context.events + 1 }) },
        tell: { actions: reply(({ context }) => context.notes) },
        decline: { actions: refuse('not today') },
        shout: { actions: emit(({ event }) => ({ type: 'shouted', word: event.word })) },
        rest: { actions: sleepNow() },
        finish: 'closed',
      },
    },
    closed: { type: 'final' },
  },
});

const note = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };

export const tally = defineAgent({ type: 'tally', machine, schemas: { note }, routes: { 'notes/:id/:text': 'note' } });
