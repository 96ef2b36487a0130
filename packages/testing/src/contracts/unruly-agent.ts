/**
 * The agent with which runners of turns are tried: it does what it is told, and some of that never ends.
 * Threads import this very module.
 */
import { type AnyAgentDefinition, type IsolationOptions, defineAgent, reply, sendToAgent } from '@wakebus/core';
import { assign, emit, setup } from 'xstate';
import { stopTurn } from '../memory/memory-turn-runner.ts';

interface UnrulyContext {
  readonly words: readonly unknown[];
}

type UnrulyEvent =
  | { readonly type: 'note'; readonly word: unknown }
  | { readonly type: 'pass'; readonly to: string }
  | { readonly type: 'shout' | 'tell' | 'burst' | 'spin' | 'unstorable' | 'act' | 'acted' | 'wait' | 'noted' };

/** Custom actions that have been run here, wherever that is. */
let acted = 0;

/** Never ends, where something can stop it. */
function spin(): never {
  stopTurn();
  for (;;);
}

const machine = setup({
  types: { context: {} as UnrulyContext, events: {} as UnrulyEvent },
  actions: {
    keep: assign({
      words: ({ context, event }) => [...context.words, event.type === 'note' ? event.word : event.type],
    }),
  },
}).createMachine({
  context: { words: [] },
  initial: 'open',
  states: {
    open: {
      on: {
        note: { actions: ['keep', reply(({ context }) => context.words.length)] },
        tell: { actions: reply(({ context }) => context.words) },
        pass: { actions: sendToAgent(({ event }) => (event as { to: string }).to, { type: 'note', word: 'passed' }) },
        shout: { actions: emit({ type: 'shouted' }) },
        burst: {
          guard: () => {
            throw new Error('it burst');
          },
        },
        spin: { guard: () => spin() },
        unstorable: { actions: assign({ words: () => [() => 'a function'] }) },
        act: {
          actions: () => {
            acted += 1;
          },
        },
        acted: { actions: reply(() => acted) },
        wait: 'waiting',
      },
    },
    waiting: { after: { 1000: 'open' }, on: { noted: { actions: 'keep' } } },
  },
});

const isolation: IsolationOptions = { module: import.meta.url, export: 'unruly', turnTimeoutMs: 400, threads: 1 };

/** In version 2: states of version 1 are looked at by a migration that may never end. */
export const unruly: AnyAgentDefinition = defineAgent({
  type: 'unruly',
  version: 2,
  machine,
  retry: { attempts: 1, backoffMs: 0 },
  migrate: {
    2: (stored) => ((stored.context as unknown as UnrulyContext).words.includes('spin') ? spin() : stored),
  },
  isolation,
});
