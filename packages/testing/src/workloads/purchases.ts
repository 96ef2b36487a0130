/**
 * Purchases: agents whose effects write into a till outside of everything that breaks. The till keeps what
 * it was asked to do, so a double entry, and an entry that nobody was told about, is seen.
 *
 * Some effects go under a key that the till honours, some without any. The till refuses some, and answers
 * some so late that their time runs out.
 */
import { type AnyAgentDefinition, type EffectArgs, defineAgent, effect } from '@wakebus/core';
import { type AgentKey, WakebusError } from '@wakebus/protocol';
import { type AnyStateMachine, assign, setup, spawnChild } from 'xstate';
import { checkRecords } from '../checker/check-records.ts';
import { type AgentHistory, type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import type { Prng } from '../simulation/prng.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { Actor } from '../simulation/task.ts';
import { numberedAgent } from './simulated-client.ts';
import type { Workload, WorkloadDriver } from './workload.ts';

const BUYER_TYPE = 'buyer';
/** Ways of buying: under a key; at most once; at most once, and a person is asked where nobody knows. */
const WAYS = ['keyed', 'careful', 'asked'] as const;
const TIMEOUT_MS = 2_000;
/** What the till says of a purchase that it does not make. */
const REFUSED = 'REFUSED';

interface Purchase {
  readonly id: string;
}

interface BuyerContext {
  /** What the machine was told of its purchases, in that order: the ID and how it ended. */
  readonly told: ReadonlyArray<readonly [id: string, how: string]>;
}

/** What stands outside: it crashes never, and remembers all. */
class PurchaseTill {
  /** How often each purchase was entered. */
  readonly entries: Map<string, number> = new Map();
  readonly #keys = new Set<string>();
  readonly #simulation: Simulation;
  readonly #prng: Prng;
  readonly #actor = new Actor('till');

  constructor(simulation: Simulation, prng: Prng) {
    this.#simulation = simulation;
    this.#prng = prng;
  }

  /** Makes a purchase; a key that it knows makes no second one. */
  async buy({ input, idempotencyKey }: EffectArgs<Purchase>, isKeyed: boolean): Promise<string> {
    await this.#wait(this.#prng.fraction() * 200);
    if (this.#prng.chance(0.1)) throw Object.assign(new Error('the till refuses'), { code: REFUSED });
    if (!isKeyed || !this.#keys.has(idempotencyKey)) this.entries.set(input.id, (this.entries.get(input.id) ?? 0) + 1);
    this.#keys.add(idempotencyKey);
    await this.#wait(this.#prng.chance(0.1) ? 2 * TIMEOUT_MS : this.#prng.fraction() * 200);
    return 'entered';
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#simulation.scheduler.postAfter(delayMs, { actor: this.#actor, label: 'till', run: resolve });
    });
  }
}

/** What may be changed about the buyers, so that a checker can be shown to see. */
export interface PurchasesOptions {
  /** How many buyers. @default 6 */
  readonly buyers?: number;
  /** Whether the till honours keys. @default true */
  readonly honoursKeys?: boolean;
}

/** The workload of buyers. */
export function purchases({ buyers = 6, honoursKeys = true }: PurchasesOptions = {}): Workload {
  let till: PurchaseTill | undefined;
  const open = (): PurchaseTill => {
    if (till === undefined) throw new WakebusError('UNAVAILABLE', { what: 'The till' });
    return till;
  };
  return {
    name: 'purchases',
    agents: [buyerAgent(open, honoursKeys)],
    drive: (driver) => {
      till = new PurchaseTill(driver.simulation, driver.prng);
      drive(driver, buyers);
    },
    check: (history) => [...checkRecords(history), ...checkPurchases(history, open().entries)],
  };
}

function buyerAgent(till: () => PurchaseTill, honoursKeys: boolean): AnyAgentDefinition {
  const without = (args: EffectArgs<Purchase>): Promise<string> => till().buy(args, false);
  const actors = {
    keyed: effect({
      run: (args: EffectArgs<Purchase>) => till().buy(args, honoursKeys),
      dedupe: 'key',
      keyHorizonMs: 3_600_000,
      timeoutMs: TIMEOUT_MS,
      retry: { attempts: 9, backoffMs: 10 },
    }),
    careful: effect({ run: without, timeoutMs: TIMEOUT_MS }),
    asked: effect({ run: without, irreversible: true, timeoutMs: TIMEOUT_MS }),
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

function buying(way: (typeof WAYS)[number]): unknown {
  const spawn = {
    id: (args: { event: unknown }) => idOf(args),
    input: (args: { event: unknown }) => ({ id: idOf(args) }),
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

function drive({ prng, clients, operations, spreadMs }: WorkloadDriver, buyers: number): void {
  for (let i = 0; i < operations; i += 1) {
    const client = clients[prng.below(clients.length)];
    client?.send({
      id: `${client.name}-${i}`,
      agent: numberedAgent(BUYER_TYPE, prng.below(buyers)),
      kind: WAYS[prng.below(WAYS.length)] ?? 'keyed',
      payload: {},
      afterMs: prng.fraction() * spreadMs,
    });
  }
}

/** Nothing twice in the till, and nobody left without a word: each purchase is told of once, or stands as `maybe`. */
function checkPurchases({ agents, operations }: RunHistory, entries: ReadonlyMap<string, number>): Violation[] {
  const told = new Map([...agents.values()].flatMap(toldBy));
  const twice = [...entries].filter(([, count]) => count > 1).map(([id, count]) => `${id} was entered ${count} times`);
  const wrong = operations.flatMap(({ id, agent, kind, outcome }) => {
    const how = told.get(id) ?? [];
    const why = whyWrong(kind, how, entries.get(id) ?? 0, outcome === 'ok', isUnknown(agents.get(agent), id));
    return why === undefined ? [] : [`${agent}: ${kind} ${id} (told ${JSON.stringify(how)}) ${why}`];
  });
  return [...twice, ...wrong, ...checkNothingLeft(agents)];
}

function whyWrong(
  kind: string,
  told: readonly string[],
  entered: number,
  isSure: boolean,
  isMaybe: boolean,
): string | undefined {
  const words = told.length + (isMaybe ? 1 : 0);
  if (words > 1) return 'was told of twice';
  if (words === 0) return isSure || entered > 0 ? 'was never told of' : undefined;
  if (told[0] === 'entered' && entered === 0) return 'is not in the till';
  if (told[0] === REFUSED && entered > 0 && kind !== 'keyed') return 'is in the till after all';
  if (isMaybe && kind !== 'asked') return 'waits for an operator who was not asked for';
  return undefined;
}

function toldBy(agent: AgentHistory): Array<[id: string, how: readonly string[]]> {
  const words = (contextOf(agent.record) as BuyerContext | undefined)?.told ?? [];
  return [...Map.groupBy(words, ([id]) => id)].map(([id, group]) => [id, group.map(([, how]) => how)]);
}

function isUnknown(agent: AgentHistory | undefined, id: string): boolean {
  return agent?.record?.journal.some((entry) => entry.id === id && entry.state === 'maybe') === true;
}

function checkNothingLeft(agents: ReadonlyMap<AgentKey, AgentHistory>): Violation[] {
  return [...agents.values()].flatMap(({ key, record, deadLetters }) => [
    ...(record?.journal ?? [])
      .filter(({ state }) => state === 'planned' || state === 'started')
      .map(({ id, state }) => `${key}: ${id} is still ${state}`),
    ...deadLetters.map(({ seq, code, message }) => `${key}: message ${seq} is in the dead letters: ${code} ${message}`),
  ]);
}
