/**
 * Buyers: agents whose effects buy at a till outside of everything that breaks. What they are told of each
 * purchase stands in their context.
 */
import { type AnyAgentDefinition, type EffectArgs, type Lookup, defineAgent, effect } from '@wakebus/core';
import { type AnyStateMachine, assign, setup, spawnChild } from 'xstate';
import { sendEach } from './send-each.ts';
import { numberedAgent } from './simulated-client.ts';
import type { WorkloadDriver } from './workload.ts';

const BUYER_TYPE = 'buyer';
/** Ways of buying: under a key; at most once; at most once, and a person is asked where nobody knows; at a till that is asked then; or has it undone. */
const WAYS = ['keyed', 'careful', 'asked', 'queried', 'undone'] as const;
/** An attempt may take so long, in milliseconds. */
export const PURCHASE_TIMEOUT_MS = 2_000;
/** What the till says of a purchase that it does not make. */
export const REFUSED = 'REFUSED';

export type Way = (typeof WAYS)[number];

export interface Purchase {
  readonly id: string;
  /** Where the till is, if there are several. */
  readonly till?: string;
}

export interface BuyerContext {
  /** What the machine was told of its purchases, in that order: the ID and how it ended. */
  readonly told: ReadonlyArray<readonly [id: string, how: string]>;
}

/** What may be asked of a till. */
export interface TillDesk {
  /** @param isKeyed - Whether the till is to honour the key. */
  buy(args: EffectArgs<Purchase>, isKeyed: boolean): Promise<string>;
  /** Whether a purchase was made. One that was not will not be by what was asked before. */
  lookup(args: EffectArgs<Purchase>): Promise<Lookup<string>>;
  /** Takes a purchase back, and whatever was asked before. */
  undo(args: EffectArgs<Purchase>): Promise<unknown>;
}

export function buyerAgent(till: () => TillDesk, honoursKeys: boolean = true): AnyAgentDefinition {
  const run = (args: EffectArgs<Purchase>): Promise<string> => till().buy(args, false);
  const shared = { timeoutMs: PURCHASE_TIMEOUT_MS, target: 'till' };
  const retry = { attempts: 9, backoffMs: 10 };
  const actors = {
    keyed: effect({
      ...shared,
      run: (args: EffectArgs<Purchase>) => till().buy(args, honoursKeys),
      dedupe: 'key',
      keyHorizonMs: 86_400_000,
      retry,
    }),
    careful: effect({ ...shared, run }),
    asked: effect({ ...shared, run, irreversible: true }),
    queried: effect({
      ...shared,
      run,
      dedupe: 'query',
      lookup: (args: EffectArgs<Purchase>) => till().lookup(args),
      retry,
    }),
    undone: effect({
      ...shared,
      run,
      onMaybe: 'compensate',
      compensate: (args: EffectArgs<Purchase>) => till().undo(args),
    }),
  };
  const machine = setup({
    types: { context: {} as BuyerContext, events: {} as { type: string } & Purchase },
    actors,
  }).createMachine({
    id: BUYER_TYPE,
    context: { told: [] },
    on: {
      ...Object.fromEntries(WAYS.map((way) => [way, { actions: buying(way) }])),
      'xstate.done.actor.*': { actions: assign(({ context, event }) => tell(context, event, 'entered')) },
      'xstate.error.actor.*': {
        actions: assign(({ context, event }) => {
          const { error } = event as unknown as { error: Error & { code?: string } };
          return tell(context, event, error.code ?? error.message);
        }),
      },
    },
  } as never) as unknown as AnyStateMachine;
  return defineAgent({ type: BUYER_TYPE, machine, sleep: { afterMs: 500 } });
}

function buying(way: Way): unknown {
  const spawn = {
    id: (args: { event: unknown }) => idOf(args),
    input: ({ event }: { event: unknown }) => {
      const { id, till } = event as Purchase;
      return { id, ...(till !== undefined && { till }) };
    },
  };
  return spawnChild(way as never, spawn as never);
}

function idOf({ event }: { readonly event: unknown }): string {
  return (event as Purchase).id;
}

function tell(context: unknown, event: unknown, how: string): BuyerContext {
  const { told } = context as BuyerContext;
  return { told: [...told, [(event as { actorId: string }).actorId, how]] };
}

/** Has every purchase made by some buyer, in some way. */
export function drivePurchases(
  driver: WorkloadDriver,
  buyers: number,
  { ways = WAYS, payload = {} }: { readonly ways?: readonly Way[]; readonly payload?: object } = {},
): void {
  sendEach(driver, (prng) => ({
    agent: numberedAgent(BUYER_TYPE, prng.below(buyers)),
    kind: ways[prng.below(ways.length)] ?? 'keyed',
    payload,
  }));
}
