/** An isolated agent that does what no agent should. Threads import this module by its URL. */
import { type AnyAgentDefinition, defineAgent, effect, reply } from '@wakebus/core';
import { appendFileSync } from 'node:fs';
import { getHeapSpaceStatistics } from 'node:v8';
import { threadId } from 'node:worker_threads';
import { assign, raise, setup } from 'xstate';

export type WildEvent =
  | { type: 'add'; item: unknown }
  | { type: 'write' | 'spinAfter' | 'begin'; path: string }
  | { type: 'alarm'; ms: number }
  | { type: 'tell' | 'where' | 'litter' | 'spin' | 'hoard' | 'leave' | 'deep' | 'burst' | 'rest' | 'rang' | 'work' };

interface WildContext {
  readonly items: readonly unknown[];
}

function spin(): never {
  for (;;);
}

/** Says that it has begun, and never ends. */
function begin(path: string): never {
  appendFileSync(path, 'begun');
  return spin();
}

/** Keeps more than any thread of these tests may. */
function hoard(): never {
  const kept: object[] = [];
  for (let i = 0; ; i += 1) kept.push({ i, text: `${i}` });
}

/** Leaves much behind that lives for a while, as many turns do. @returns how many bytes are set aside for such objects. */
function litter(): number {
  const lately: object[] = [];
  for (let i = 0; i < 2_000_000; i += 1) lately[i % 50_000] = { i, text: `${i}` };
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}

function deeper(): boolean {
  return deeper() && deeper();
}

const work = effect({ run: async () => Promise.resolve(threadId), dedupe: 'none' });

const machine = setup({
  types: { context: {} as WildContext, events: {} as WildEvent },
  actors: { work },
  actions: {
    keep: assign({ items: ({ context, event }) => [...context.items, 'item' in event ? event.item : event.type] }),
  },
}).createMachine({
  context: { items: [] },
  initial: 'open',
  states: {
    open: {
      on: {
        add: { actions: ['keep', reply(({ context }) => context.items.length)] },
        tell: { actions: reply(({ context }) => context.items) },
        where: { actions: reply(() => threadId) },
        litter: { actions: reply(() => litter()) },
        spin: { guard: () => spin() },
        begin: { guard: ({ event }) => begin(event.path) },
        hoard: { guard: () => hoard() },
        leave: { guard: () => process.exit(7) },
        deep: { guard: () => deeper() },
        burst: {
          guard: () => {
            throw new Error('it burst');
          },
        },
        write: { actions: ['keep', ({ event }) => appendFileSync((event as { path: string }).path, `${threadId}\n`)] },
        spinAfter: { actions: ['keep', () => spin()] },
        alarm: {
          actions: [
            reply('armed'),
            raise({ type: 'rang' }, { id: 'bell', delay: ({ event }) => (event as { ms: number }).ms }),
          ],
        },
        rang: { actions: 'keep' },
        work: 'working',
      },
    },
    working: {
      invoke: {
        id: 'work',
        src: 'work',
        onDone: {
          target: 'open',
          actions: assign({ items: ({ context, event }) => [...context.items, event.output] }),
        },
      },
    },
  },
});

function wildAgent(options: object): AnyAgentDefinition {
  return defineAgent({ type: 'wild', machine, retry: { attempts: 2, backoffMs: 20 }, ...options } as never);
}

const module = import.meta.url;

/** Two threads: while one is stuck there is another. */
export const wild: AnyAgentDefinition = wildAgent({
  isolation: { module, export: 'wild', turnTimeoutMs: 400, maxHeapMb: 32 },
});

/** All the time that it takes to fill a heap. */
export const hungryWild: AnyAgentDefinition = wildAgent({
  isolation: { module, export: 'hungryWild', turnTimeoutMs: 60_000, maxHeapMb: 32, threads: 1 },
});

/** Loops for as long as any test takes. */
export const endlessWild: AnyAgentDefinition = wildAgent({
  isolation: { module, export: 'endlessWild', turnTimeoutMs: 600_000, threads: 2 },
});

/** Long waits between tries, so that what stands in the record can be looked at. */
export const patientWild: AnyAgentDefinition = wildAgent({
  retry: { attempts: 2, backoffMs: 60_000 },
  isolation: { module, export: 'patientWild', turnTimeoutMs: 400, maxHeapMb: 32, threads: 1 },
});

/** Gives the agent up with the event that it fails on. */
export const stoppingWild: AnyAgentDefinition = wildAgent({
  onPoison: 'stop',
  isolation: { module, export: 'stoppingWild', turnTimeoutMs: 400, maxHeapMb: 32, threads: 1 },
});

/** Says nothing of retries. */
export const openWild: AnyAgentDefinition = wildAgent({
  retry: undefined,
  isolation: { module, export: 'openWild', turnTimeoutMs: 60_000, threads: 1 },
});

/** The same agents a version later, with a migration that never ends. */
export const stuckWild: AnyAgentDefinition = wildAgent({
  version: 2,
  migrate: { 2: () => spin() },
  isolation: { module, export: 'stuckWild', turnTimeoutMs: 400, threads: 1 },
});

/** What should be in this module, and is not. */
export const elsewhere: AnyAgentDefinition = wildAgent({ isolation: { module, export: 'nowhere' } });
export const otherVersion: AnyAgentDefinition = wildAgent({ version: 2, isolation: { module, export: 'wild' } });
