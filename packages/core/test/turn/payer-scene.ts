/** An agent that pays in one of its states, without a bus. */
import { assign, fromPromise, setup, spawnChild, stopChild } from 'xstate';
import { type EffectOptions, type AnyAgentDefinition, defineAgent, effect } from '../../src/mod.ts';
import { Scene } from './scene.ts';

export type Options = EffectOptions<unknown, unknown>;

interface Context {
  readonly words: readonly string[];
}

export const run = (): Promise<string> => Promise.resolve('done');

/** An agent that pays in one of its states, by an effect of some kind. */
export function payer(options?: Partial<Options>, more: object = {}): AnyAgentDefinition {
  const pay = options === undefined ? fromPromise(run) : effect({ ...(options as Options), run });
  const machine = setup({
    types: { context: {} as Context, events: {} as { type: string; n?: number; word?: string } },
    actors: { pay },
  }).createMachine({
    id: 'payer',
    context: { words: [] },
    initial: 'idle',
    on: {
      spawn: { actions: spawnChild('pay', { id: 'spare' }) },
      stop: { actions: stopChild('spare') },
      // A wildcard for errors would take every other one too.
      'xstate.done.actor.spare': { actions: assign({ words: ({ context }) => [...context.words, 'spare'] }) },
    },
    states: {
      idle: { on: { pay: 'paying' } },
      paying: {
        invoke: {
          id: 'pay',
          src: 'pay',
          input: ({ event }: { event: { n?: number } }) => ({ n: event.n }),
          onDone: { target: 'paid', actions: assign({ words: ({ event }) => [`done ${String(event.output)}`] }) },
          onError: {
            target: 'unpaid',
            actions: assign({
              words: ({ event }) => [String((event.error as Error & { code?: string }).code ?? event.error)],
            }),
          },
        },
        on: { leave: 'idle', again: { target: 'paying', reenter: true }, finish: 'finished' },
      },
      paid: {},
      unpaid: { on: { pay: 'paying' } },
      finished: { type: 'final' },
    },
  });
  return defineAgent({ type: 'notebook', machine, retry: { attempts: 1, backoffMs: 10 }, ...more } as never);
}

/** One in whose state the effect has been started. */
export function paying(options?: Partial<Options>): Scene {
  const scene = new Scene(payer(options));
  scene.take([scene.event('pay', { n: 7 })]);
  scene.startEffects();
  return scene;
}

export function stateOf(scene: Scene): unknown {
  return [scene.memory.snapshot?.value, scene.words];
}

export function entryOf(scene: Scene): Scene['record']['journal'][number] | undefined {
  return scene.record.journal.at(-1);
}
