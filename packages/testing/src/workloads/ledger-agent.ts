/**
 * The agent of the ledger: it writes every event into a list. Some events make it send to another one, set
 * a timer, go to sleep, throw, or kill the process that runs it.
 */
import {
  type AnyAgentDefinition,
  type SnapshotOptions,
  defineAgent,
  reply,
  sendToAgent,
  sleepNow,
} from '@wakebus/core';
import type { AgentRecord } from '@wakebus/protocol';
import { type AnyStateMachine, assign, enqueueActions, setup } from 'xstate';
import { contextOf } from '../checker/run-history.ts';

export const LEDGER_TYPE = 'ledger';

interface LedgerEntry {
  readonly id: string;
  /** The agent that sent it, with its number for this one; empty where it came from outside or from a timer. */
  readonly from: string;
  readonly number: number;
}

export interface LedgerContext {
  readonly self: string;
  readonly entries: readonly LedgerEntry[];
  /** Messages sent, by receiver. */
  readonly sent: Readonly<Record<string, number>>;
  /** How often the state was brought to a newer version. */
  readonly migrations: number;
}

type LedgerEvent =
  | { readonly type: 'add'; readonly id: string }
  | { readonly type: 'pass'; readonly id: string; readonly to: string }
  | { readonly type: 'passed'; readonly id: string; readonly from: string; readonly number: number }
  | { readonly type: 'remind'; readonly id: string; readonly delayMs: number }
  | { readonly type: 'reminded'; readonly id: string }
  | { readonly type: 'rest'; readonly id: string }
  | { readonly type: 'fail'; readonly id: string }
  | { readonly type: 'kill'; readonly id: string };

/** What an agent of the ledger differs in. */
export interface LedgerAgentOptions {
  /** @default "ledger" */
  readonly type?: string;
  /** @default 1 */
  readonly version?: number;
  /** Called when a `kill` is processed: ends the process. */
  readonly onKill?: () => void;
  /** Whether its turns are taken by a runner that can stop them. @default false */
  readonly isIsolated?: boolean;
  /** @default none are kept */
  readonly snapshots?: SnapshotOptions;
}

/** Of no file: only the simulator's runners take it, and they import nothing. */
const ISOLATION = { module: 'data:text/javascript,' } as const;

/** The definition of an agent of the ledger. */
export function ledgerAgent(options: LedgerAgentOptions = {}): AnyAgentDefinition {
  const { type = LEDGER_TYPE, version = 1, onKill, isIsolated = false, snapshots } = options;
  return defineAgent({
    type,
    version,
    machine: ledgerMachine(onKill),
    input: (address: { type: string; id: string }) => ({ self: `${address.type}/${address.id}` }),
    sleep: { afterMs: 2_000 },
    retry: { attempts: 2, backoffMs: 200 },
    ...(isIsolated && { isolation: ISOLATION }),
    ...(snapshots !== undefined && { snapshots }),
    migrate: Object.fromEntries(Array.from({ length: version - 1 }, (_, i) => [i + 2, countMigration])),
  });
}

/** What a record of the ledger holds. */
export function ledgerOf(record: AgentRecord | undefined): LedgerContext | undefined {
  return contextOf(record) as LedgerContext | undefined;
}

export function passedId(id: string): string {
  return `${id}+`;
}

export function remindedId(id: string): string {
  return `${id}~`;
}

function countMigration<T>(stored: T): T {
  const { context, ...rest } = stored as T & { readonly context: LedgerContext };
  return { ...rest, context: { ...context, migrations: context.migrations + 1 } } as T;
}

const passOn = sendToAgent<LedgerContext, LedgerEvent>(
  ({ event }) => (event as { to: string }).to,
  ({ context, event }) => {
    const { id, to } = event as { id: string; to: string };
    return { type: 'passed', id: passedId(id), from: context.self, number: context.sent[to] ?? 0 };
  },
);

/** Nothing changes: the process does not live to see it. */
function killed(onKill: () => void): object {
  onKill();
  return {};
}

function ledgerMachine(onKill: () => void = () => {}): AnyStateMachine {
  return setup({
    types: { context: {} as LedgerContext, events: {} as LedgerEvent, input: {} as { self: string } },
    actions: {
      write: assign(({ context, event }) => {
        const { from, number } = event.type === 'passed' ? event : { from: '', number: 0 };
        return { entries: [...context.entries, { id: event.id, from, number }] };
      }),
      count: assign(({ context, event }) => {
        if (event.type !== 'pass') return {};
        return { sent: { ...context.sent, [event.to]: (context.sent[event.to] ?? 0) + 1 } };
      }),
      fail: assign(() => {
        throw new Error('this event always fails');
      }),
      kill: assign(() => killed(onKill)),
    },
  }).createMachine({
    id: LEDGER_TYPE,
    context: ({ input }) => ({ self: input.self, entries: [], sent: {}, migrations: 0 }),
    initial: 'open',
    states: {
      open: {
        on: {
          // Whoever asks is told the place of the entry: an answer that came before the commit is found out.
          add: { actions: ['write', reply(({ context }) => context.entries.length)] },
          passed: { actions: 'write' },
          reminded: { actions: 'write' },
          rest: { actions: ['write', sleepNow()] },
          pass: {
            actions: ['write', 'count', passOn],
          },
          remind: {
            actions: [
              'write',
              // The timer's ID holds the value: each of an agent's timers is one of its own.
              enqueueActions(({ enqueue, event }) => {
                const { id, delayMs } = event as { id: string; delayMs: number };
                enqueue.raise({ type: 'reminded', id: remindedId(id) }, { id: `remind-${id}`, delay: delayMs });
              }),
            ],
          },
          fail: { actions: 'fail' },
          kill: { actions: 'kill' },
        },
      },
    },
  });
}
