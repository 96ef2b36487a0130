/** The agents of these tests: a list that keeps what it is told, in order, and does whatever a test needs. */
import { type AnyAgentDefinition, defineAgent, refuse, reply, sendToAgent, sleepNow } from '@wakebus/core';
import { assign, cancel, emit, enqueueActions, setup } from 'xstate';

export type ListEvent =
  | { type: 'add'; item: unknown }
  /** Kept, and passed on along a path of addresses. */
  | { type: 'pass'; item: unknown; path: readonly string[] }
  /** Kept, and sent to each of several addresses as `add`. */
  | { type: 'fan'; item: unknown; to: readonly string[] }
  | { type: 'grow'; bytes: number }
  | { type: 'alarm'; ms: number; id?: string }
  | { type: 'hush'; id?: string }
  | { type: 'rang' }
  | { type: 'tell' }
  | { type: 'rest'; item?: unknown }
  | { type: 'decline' }
  | { type: 'shout'; item: unknown }
  | { type: 'boom' }
  | { type: 'mend' }
  | { type: 'exit' }
  | { type: 'exitLater' }
  | { type: 'unstorable' }
  | { type: 'finish' };

export interface ListContext {
  readonly items: readonly unknown[];
  readonly filler: string;
}

/** Set by `mend`: events that used to throw do not any more. */
const mended = { boom: false };

/** Lets `boom` pass from now on, or throw again. */
export function mendBoom(isMended: boolean): void {
  mended.boom = isMended;
}

function itemOf(event: ListEvent): unknown {
  return 'item' in event ? event.item : event.type;
}

/** Ends the process as a crash in user code would. Only for nodes in processes of their own. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered before anything else runs, or at the latest within this loop.
  for (;;);
}

export const listMachine = setup({
  types: { context: {} as ListContext, events: {} as ListEvent, emitted: {} as { type: 'shouted'; item: unknown } },
  actions: {
    keep: assign({ items: ({ context, event }) => [...context.items, itemOf(event)] }),
  },
}).createMachine({
  id: 'list',
  context: { items: [], filler: '' },
  initial: 'open',
  on: { tell: { actions: reply(({ context }) => context.items) } },
  states: {
    open: {
      on: {
        add: { actions: ['keep', reply(({ context }) => context.items.length)] },
        pass: [
          {
            guard: ({ event }) => event.path.length > 0,
            actions: [
              'keep',
              sendToAgent(
                ({ event }) => (event.type === 'pass' ? (event.path[0] as string) : ''),
                ({ event }) => ({
                  type: 'pass',
                  item: itemOf(event),
                  path: event.type === 'pass' ? event.path.slice(1) : [],
                }),
              ),
            ],
          },
          { actions: 'keep' },
        ],
        fan: {
          actions: enqueueActions(({ event, enqueue }) => {
            enqueue('keep');
            for (const to of event.to) enqueue(sendToAgent(to, { type: 'add', item: event.item }) as never);
          }),
        },
        grow: { actions: assign({ filler: ({ event }) => 'x'.repeat(event.bytes) }) },
        alarm: {
          actions: enqueueActions(({ event, enqueue }) => {
            const { id = 'bell', ms } = event;
            enqueue.cancel(id);
            enqueue.raise({ type: 'rang' }, { id, delay: ms });
          }),
        },
        hush: { actions: cancel(({ event }) => event.id ?? 'bell') },
        rang: { actions: 'keep' },
        rest: { actions: ['keep', sleepNow()] },
        decline: { actions: refuse('it does not want to', { hint: 'ask later' }) },
        shout: { actions: emit(({ event }) => ({ type: 'shouted' as const, item: itemOf(event) })) },
        boom: {
          guard: () => {
            if (!mended.boom) throw new Error('it burst');
            return true;
          },
          actions: 'keep',
        },
        exit: { guard: () => die(), actions: 'keep' },
        exitLater: { actions: ['keep', () => die()] },
        unstorable: { actions: assign({ items: () => [() => 'a function'] as unknown[] }) },
        finish: 'finished',
      },
    },
    finished: { type: 'final' },
  },
});

/** The list as an agent type; `options` go to `defineAgent`. */
export function listAgent(options: object = {}): AnyAgentDefinition {
  return defineAgent({
    type: 'list',
    machine: listMachine,
    retry: { attempts: 1, backoffMs: 20 },
    ...options,
  } as never);
}
