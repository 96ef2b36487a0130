/** Agents that pay at a till, each way of paying an effect of another kind. */
import { type AnyAgentDefinition, type EffectArgs, type Lookup, defineAgent, effect } from '@wakebus/core';
import { type AnyStateMachine, assign, createMachine, fromPromise } from 'xstate';

interface Bill {
  readonly till: string;
}

interface PayerContext {
  readonly items: readonly unknown[];
}

type Args = Pick<EffectArgs<Bill>, 'input' | 'signal'> & Partial<EffectArgs<Bill>>;

/** Asks the till for something, and throws what it refuses. */
async function ask(verb: string, { input, signal, idempotencyKey, attempt }: Args): Promise<unknown> {
  const query = new URLSearchParams({ verb, key: idempotencyKey ?? '', attempt: String(attempt ?? 0) });
  const response = await fetch(`${input.till}?${query.toString()}`, { signal });
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  throw new Error(`the till refused: ${String(answer)}`);
}

const run = (args: Args): Promise<unknown> => ask('pay', args);
const keyHorizonMs = 3_600_000;
/** Short, since tests wait for it, and long enough for a busy machine to reach the till. */
const timeoutMs = 1_500;
const retry = { attempts: 2, backoffMs: 100 };

/** What is known of each way of paying. */
const actors = {
  plain: fromPromise<unknown, Bill>((args) => run(args)),
  keyed: effect({ run, dedupe: 'key', keyHorizonMs, retry }),
  brief: effect({ run, dedupe: 'none', timeoutMs }),
  asked: effect({ run, irreversible: true, timeoutMs }),
  queried: effect({
    run,
    dedupe: 'query',
    timeoutMs,
    retry,
    lookup: (args: EffectArgs<Bill>) => ask('lookup', args) as Promise<Lookup<unknown>>,
  }),
  vague: effect({
    run: async (args: EffectArgs<Bill>) => {
      await run(args);
      throw Object.assign(new Error('the line went dead'), { code: 'EFFECT_MAYBE' });
    },
    dedupe: 'query',
    lookup: (args: EffectArgs<Bill>) => ask('lookup', args) as Promise<Lookup<unknown>>,
  }),
  undone: effect({
    run,
    onMaybe: 'compensate',
    compensate: (args: EffectArgs<Bill>) => ask('undo', args),
    timeoutMs,
  }),
  /** At a target that others share. */
  guarded: effect({ run, dedupe: 'key', keyHorizonMs, target: 'till', retry: { attempts: 20, backoffMs: 1 } }),
  /** Refused for reasons that are not the till's. */
  broke: effect({
    run,
    dedupe: 'key',
    keyHorizonMs,
    isTargetFault: () => false,
    retry: { attempts: 20, backoffMs: 1 },
  }),
  /** Refused once and for all. */
  barred: effect({ run, dedupe: 'key', keyHorizonMs, retry, isFinal: () => true }),
  /** Nobody knows, and nobody can be asked. */
  mute: effect({
    run: () => Promise.reject(Object.assign(new Error('the line went dead'), { code: 'EFFECT_MAYBE' })),
    dedupe: 'query',
    retry,
    lookup: (args: EffectArgs<Bill>) => ask('lookup', args) as Promise<Lookup<unknown>>,
    isFinal: () => true,
  }),
  huge: fromPromise(() => Promise.resolve('x'.repeat(300 * 1024))),
  odd: fromPromise(() => Promise.reject(Object.assign(new Error('odd'), { code: 'E_ODD', socket: () => {} }))),
};

/** A way of paying. */
export type Way = keyof typeof actors;

const ways = Object.keys(actors) as readonly Way[];

const machine = createMachine(
  {
    id: 'payer',
    context: { items: [] },
    initial: 'idle',
    on: Object.fromEntries([...ways.map((way) => [way, { target: `.${way}`, reenter: true }]), ['leave', '.idle']]),
    states: {
      idle: {},
      ...Object.fromEntries(
        ways.map((way) => [
          way,
          {
            invoke: {
              id: `pay-${way}`,
              src: way,
              input: ({ event }: { event: Bill }) => ({ till: event.till }),
              onDone: { target: '#payer.idle', actions: 'keepOutput' },
              onError: { target: '#payer.idle', actions: 'keepError' },
            },
          },
        ]),
      ),
    },
  } as never,
  {
    actors,
    actions: {
      keepOutput: assign(({ context, event }) => keep(context, (event as unknown as { output: unknown }).output)),
      keepError: assign(({ context, event }) => {
        const { error } = event as unknown as { error: Error & { code?: string } };
        return keep(context, error.code ?? error.message);
      }),
    } as never,
  },
) as AnyStateMachine;

function keep(context: unknown, item: unknown): PayerContext {
  return { items: [...(context as PayerContext).items, item] };
}

/** The payer as an agent type; `options` go to `defineAgent`. */
export function payerAgent(options: object = {}): AnyAgentDefinition {
  return defineAgent({ type: 'payer', machine, sleep: { afterMs: 0 }, ...options } as never);
}
