/** An agent that keeps appointments, its clock and its fires, without a bus: for the tests of schedules. */
import { assign, setup } from 'xstate';
import {
  type AnyAgentDefinition,
  type Inbound,
  type Schedule,
  type Turn,
  defineAgent,
  effect,
  schedule,
  unschedule,
} from '../../src/mod.ts';
import { Scene } from './scene.ts';

export const MINUTE_MS = 60_000;
export const NOON_MS: number = Date.UTC(2027, 0, 4, 12);

interface Taken {
  readonly atMs: number;
  readonly missed: number;
}

/** An agent that notes its appointments, and may work at each. */
function diary(): AnyAgentDefinition {
  const machine = setup({
    types: {
      context: {} as { taken: Taken[]; ended: string[] },
      events: {} as { type: string; id?: string; schedule?: Schedule; occurrence?: Taken; error?: { code: string } },
    },
    actors: { work: effect({ run: async () => {} }) },
    actions: {
      note: assign({
        taken: ({ context, event }) => [
          ...context.taken,
          { atMs: event.occurrence?.atMs ?? 0, missed: event.occurrence?.missed ?? 0 },
        ],
      }),
      end: assign({ ended: ({ context, event }) => [...context.ended, event.error?.code ?? 'done'] }),
    },
  }).createMachine({
    id: 'diary',
    context: { taken: [], ended: [] },
    initial: 'idle',
    on: {
      plan: {
        actions: schedule(
          ({ event }) => event.id ?? 's',
          ({ event }) => event.schedule as Schedule,
        ),
      },
      drop: { actions: unschedule(({ event }) => event.id ?? 's') },
      tick: { actions: 'note' },
      boom: {
        guard: () => {
          throw new Error('it burst');
        },
      },
      once: { actions: ['note', unschedule('s')] },
      finish: '.over',
    },
    states: {
      idle: { on: { run: { target: 'working', actions: 'note' } } },
      working: {
        invoke: {
          id: 'work',
          src: 'work',
          onDone: { target: 'idle', actions: 'end' },
          onError: { target: 'idle', actions: 'end' },
        },
      },
      over: { type: 'final' },
    },
  });
  return defineAgent({ type: 'notebook', machine, retry: { attempts: 1, backoffMs: 100 } } as never);
}

export class Desk extends Scene {
  #asked = 0;

  constructor() {
    super(diary());
    this.nowMs = NOON_MS;
  }

  get taken(): readonly Taken[] {
    return this.#context.taken;
  }

  get ended(): readonly string[] {
    return this.#context.ended;
  }

  get #context(): { taken: Taken[]; ended: string[] } {
    return (this.memory.snapshot?.context as never) ?? { taken: [], ended: [] };
  }

  /** Minutes after noon of what was taken. */
  get minutes(): readonly number[] {
    return this.taken.map(({ atMs }) => (atMs - NOON_MS) / MINUTE_MS);
  }

  plan(fields: object, id = 's'): Turn {
    return this.take([this.event('plan', { id, schedule: { event: { type: 'tick' }, missed: 'skip', ...fields } })]);
  }

  /** Everything that is due by then fires, at the time that it is due or at a later one; the agent sleeps in between. */
  runUntil(untilMs: number, takenMs?: number): void {
    for (;;) {
      const due = this.record.timers.filter(({ dueMs }) => dueMs <= untilMs).toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.nowMs = Math.max(this.nowMs, takenMs ?? due.dueMs);
      this.rehydrate();
      this.takeAll([this.fire(due.id, due.generation, due.dueMs)]);
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  due(id = 's'): number | undefined {
    return this.record.timers.find((timer) => timer.id === id)?.dueMs;
  }

  /** What an operator asks about a timer. */
  ask(verb: 'schedule' | 'unschedule' | 'fire', timer: { id: string; schedule?: object }): Inbound {
    this.#asked += 1;
    const { event: _event, ...base } = this.event('asked', {}, { id: `c${this.#asked}`, to: 'caller' }) as never as {
      event: unknown;
    };
    return { ...base, kind: 'control', control: { v: 1, verb, timer } } as unknown as Inbound;
  }
}
