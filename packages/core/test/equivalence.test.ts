/**
 * The interpreter against XState itself: the same events into a live actor with a simulated clock and into
 * the interpreter, which sleeps (is encoded and decoded) before every step.
 */
import * as fc from 'fast-check';
import { agentKey } from '@wakebus/protocol';
import { SimulatedClock, assign, cancel, createActor, enqueueActions, raise, setup } from 'xstate';
import { expect, test } from 'vitest';
import {
  type AgentSnapshot,
  type Output,
  applyEvent,
  decodeSnapshot,
  defineAgent,
  encodeSnapshot,
  initialStep,
} from '../src/mod.ts';
import { frozen } from './frozen.ts';

type Events =
  | { type: 'GO' | 'BACK' | 'TOGGLE' | 'REMIND' | 'FORGET' | 'REMINDED' | 'HIDE' | 'SHOW' | 'NOISE' | 'END' }
  | { type: 'ADD'; by: number };
const types = ['GO', 'BACK', 'TOGGLE', 'REMIND', 'FORGET', 'HIDE', 'SHOW', 'NOISE'] as const;

const machine = setup({
  types: { context: {} as { n: number; log: string[]; at: Date }, events: {} as Events },
  actions: { note: assign({ log: ({ context, event }) => [...context.log, event.type].slice(-20) }) },
  guards: { odd: ({ context }) => context.n % 2 === 1 },
  delays: { growing: ({ context }) => 100 + context.n },
}).createMachine({
  id: 'm',
  type: 'parallel',
  context: { n: 0, log: [], at: new Date(7) },
  on: { ADD: { actions: assign({ n: ({ context, event }) => context.n + event.by }) }, END: '#closed' },
  states: {
    work: {
      initial: 'a',
      states: {
        a: { on: { GO: [{ guard: 'odd', target: 'b.two' }, 'b'] }, after: { 50: { target: 'b', actions: 'note' } } },
        b: {
          initial: 'one',
          entry: 'note',
          after: { growing: { target: 'a', actions: 'note' } },
          on: { BACK: 'a', HIDE: 'hidden' },
          states: {
            one: { after: { 30: 'two' } },
            two: {
              on: { GO: { target: 'one', actions: raise({ type: 'ADD', by: 3 }) } },
              always: { guard: ({ context }) => context.n > 40, target: 'three', actions: assign({ n: 0 }) },
            },
            three: {},
            h: { type: 'history' },
          },
        },
        hidden: { on: { SHOW: 'b.h' }, after: { 500: { target: 'b.h', actions: 'note' } } },
        closed: { id: 'closed', type: 'final' },
      },
    },
    reminders: {
      initial: 'off',
      states: {
        off: { on: { TOGGLE: 'on' } },
        on: {
          on: {
            TOGGLE: { target: 'off', actions: cancel('r') },
            REMIND: {
              actions: enqueueActions(({ enqueue, check }) =>
                check('odd') ? enqueue.raise({ type: 'REMINDED' }, { id: 'r', delay: 70 }) : enqueue('note'),
              ),
            },
            FORGET: { actions: cancel('r') },
            REMINDED: { actions: [assign({ n: ({ context }) => context.n + 1 }), 'note'] },
          },
        },
      },
    },
  },
});
const agent = defineAgent({ type: 'm', machine });
const key = agentKey('m', '1');

/** The least that a turn does: it keeps timers in order of time and fires what is due. */
class Sleeper {
  snapshot: AgentSnapshot;
  nowMs = 0;
  #timers: Array<{ id: string; dueMs: number; event: { type: string } }> = [];

  constructor() {
    const birth = initialStep(agent, key);
    this.snapshot = birth.snapshot;
    this.#take(birth.outputs);
  }

  send(event: { type: string }): void {
    const slept = decodeSnapshot(agent, encodeSnapshot(agent, this.snapshot), 1);
    frozen(slept.context);
    const step = applyEvent(agent, slept, event);
    this.snapshot = step.snapshot;
    this.#take(step.outputs);
  }

  wait(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.dueMs - b.dueMs);
      if (next === undefined || next.dueMs > until) break;
      this.nowMs = next.dueMs;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.send(next.event);
    }
    this.nowMs = until;
  }

  #take(outputs: readonly Output[]): void {
    for (const output of outputs) {
      if (output.kind !== 'timer' && output.kind !== 'cancel') continue;
      this.#timers = this.#timers.filter(({ id }) => id !== output.id);
      if (output.kind === 'timer')
        this.#timers.push({ id: output.id ?? '', dueMs: this.nowMs + output.delayMs, event: output.event });
    }
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...types).map((type) => ({ type })) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }).map((by) => ({ type: 'ADD' as const, by })) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 200 }) },
    { weight: 1, arbitrary: fc.constant({ type: 'END' as const }) },
  ),
  { maxLength: 40 },
);

test('an agent that sleeps before every step ends where XState’s own actor ends', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const clock = new SimulatedClock();
      const actor = createActor(machine, { clock }).start();
      const sleeper = new Sleeper();
      // A reminder set twice is two timers in XState, of which one can no longer be cancelled; here it is set anew.
      let reminded = false;
      for (const step of taken) {
        if (typeof step === 'number') {
          // The simulated clock counts what is armed while it runs from where it runs to: so it runs by the millisecond.
          for (let ms = 0; ms < step; ms += 1) clock.increment(1);
          sleeper.wait(step);
          continue;
        }
        if (step.type === 'REMIND' && reminded) continue;
        reminded ||= step.type === 'REMIND';
        actor.send(step);
        sleeper.send(step);
        const live = actor.getSnapshot();
        expect([sleeper.snapshot.value, sleeper.snapshot.context, sleeper.snapshot.status]).toEqual([
          live.value,
          live.context,
          live.status,
        ]);
      }
    }),
    { numRuns: 500 },
  );
});
