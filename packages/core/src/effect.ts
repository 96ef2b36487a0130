/**
 * `effect`: a promise that an agent may invoke or spawn, with what must be known to run it after crashes.
 *
 * State changes commit exactly once; this code runs at least once, or at most once, by your choice. An
 * effect happens once in the world only if its receiver honours its key. What a journal entry goes
 * through is in `turn/effects.ts`; running it is the placement node's.
 */
import { type PromiseActorLogic, fromPromise } from 'xstate';
import { checkEffectOptions } from './effect-options.ts';
import { type Resources, withOwnResources } from './resources.ts';

/** What XState gives to a promise's creator. */
type PromiseArgs<TInput> = Parameters<Parameters<typeof fromPromise<unknown, TInput>>[0]>[0];

/** What the functions of an effect get: what XState gives to a promise, and what makes a repetition harmless. */
export interface EffectArgs<TInput> extends PromiseArgs<TInput> {
  /** The same in every attempt, and nobody else's: what a receiver tells repetitions by. */
  readonly idempotencyKey: string;
  /** Counts from 1, failed attempts and those nobody knows about included. */
  readonly attempt: number;
  /** Of the session that started it; rises with every claim of the agent. For receivers that fence. */
  readonly epoch: number;
  /** Connections and handles that the runtime closes. */
  readonly resources: Resources;
}

/** What an effect gets beside that which works on the agent's files. */
export interface FileEffectArgs<TInput> extends EffectArgs<TInput> {
  /**
   * The path of a folder with the agent's files, for as long as this attempt runs. What `write` leaves there counts
   * once the agent takes the result, in the same commit, and only if the effect is done: an attempt that fails, or of
   * which nobody knows, leaves nothing. What `read` leaves there never counts.
   */
  readonly workspace: string;
}

/** What a lookup found out. */
export type Lookup<TOutput> =
  | { readonly happened: true; readonly output: TOutput }
  /** It has not happened, and will not: the effect is run again. */
  | { readonly happened: false };

/** How often a failed attempt is repeated. */
export interface EffectRetry {
  /** Repetitions after the first attempt. @default 4 with a key or a lookup, else 0: a repetition without either may double it. */
  readonly attempts?: number;
  /** Longest wait before the first repetition, in milliseconds; doubles to at most ten minutes. What is waited is random below that. @default 1,000 – most failures of a service are over in seconds. */
  readonly backoffMs?: number;
}

interface WithoutFiles<TOutput, TInput> {
  /**
   * Does the work. What it throws says that the work has not been done. Where that is not known (no answer
   * came), throw an error whose `code` is `EFFECT_MAYBE`. Its output must be durable, and at most 256 KB.
   */
  readonly run: (args: EffectArgs<TInput>) => PromiseLike<TOutput>;
  /** How it works on the agent's files. One that writes begins when no other does. @default none – a folder is fetched for nobody */
  readonly workspace?: undefined;
}

interface WithFiles<TOutput, TInput> {
  /** As without files, in a folder that has them. */
  readonly run: (args: FileEffectArgs<TInput>) => PromiseLike<TOutput>;
  /** `write`: one at a time, and what it leaves is kept. `read`: beside others, and nothing is. */
  readonly workspace: 'read' | 'write';
}

interface EffectBase {
  /** An attempt may take so long, in milliseconds; then its signal aborts, and nobody knows whether it happened. @default 60,000 – what takes longer should say so. */
  readonly timeoutMs?: number;
  readonly retry?: EffectRetry;
  /**
   * What it works on: a service, an account, a machine. When too many attempts at a target fail, those that follow wait
   * (a circuit breaker), and an operator can disable it. @default `<agent type>/<actor name>`, so that it stands for itself
   */
  readonly target?: string;
  /** Whether what it threw says that its target is unwell. @default every error does – "refused: no funds" should not */
  readonly isTargetFault?: (error: unknown) => boolean;
  /** Whether what `run`, `lookup` or `compensate` threw would be thrown again: then it is not repeated. @default no error is – "no such account" may be */
  readonly isFinal?: (error: unknown) => boolean;
  /** It cannot be taken back, and is worth a person's time. `onMaybe` is then `ask` by default. @default false */
  readonly irreversible?: boolean;
}

interface AsksOrFails {
  /** When nobody knows whether it happened: `ask` an operator, `fail` with `EFFECT_MAYBE`. @default "fail" – the machine hears of it at once. */
  readonly onMaybe?: 'ask' | 'fail';
  readonly compensate?: undefined;
}

interface Compensates<TInput> {
  readonly onMaybe: 'compensate';
  /** Undoes the effect if it happened, and does nothing if it did not. May run more than once. */
  readonly compensate: (args: EffectArgs<TInput>) => PromiseLike<unknown>;
  readonly irreversible?: false;
}

interface Retries {
  /** Runs it again under the same key. @default "retry" with a key, unless it is irreversible */
  readonly onMaybe?: 'retry';
  readonly compensate?: undefined;
}

interface ByKey {
  /** The receiver honours the idempotency key: what comes under it again does nothing, and gets the first answer. */
  readonly dedupe: 'key';
  /** For how long the receiver remembers a key, in milliseconds: at least as long as all attempts may take. */
  readonly keyHorizonMs: number;
  readonly lookup?: undefined;
}

interface ByQuery<TOutput, TInput> {
  /** The receiver can be asked whether it happened. */
  readonly dedupe: 'query';
  /** Asks. Called when nobody knows, before `onMaybe`, which decides only when this throws to the last. */
  readonly lookup: (args: EffectArgs<TInput>) => PromiseLike<Lookup<TOutput>>;
  readonly keyHorizonMs?: undefined;
}

interface ByNothing {
  /** Nothing is known of the receiver. @default "none" */
  readonly dedupe?: 'none';
  readonly keyHorizonMs?: undefined;
  readonly lookup?: undefined;
}

type Dedupe<TOutput, TInput> =
  | (ByKey & (Retries | AsksOrFails | Compensates<TInput>))
  | ((ByQuery<TOutput, TInput> | ByNothing) & (AsksOrFails | Compensates<TInput>));

/** What may be said about an effect. What cannot be safe is a type error, and `INVALID_OPTION` when it is made. */
export type EffectOptions<TOutput, TInput> = EffectBase & WithoutFiles<TOutput, TInput> & Dedupe<TOutput, TInput>;

/** The same of an effect that works on its agent's files. */
export type FileEffectOptions<TOutput, TInput> = EffectBase & WithFiles<TOutput, TInput> & Dedupe<TOutput, TInput>;

/** An effect's options with every default filled in. */
export interface EffectSpec {
  readonly run: (args: FileEffectArgs<unknown>) => PromiseLike<unknown>;
  readonly workspace: 'read' | 'write' | undefined;
  readonly dedupe: 'key' | 'query' | 'none';
  readonly keyHorizonMs: number;
  readonly lookup: ((args: EffectArgs<unknown>) => PromiseLike<Lookup<unknown>>) | undefined;
  readonly onMaybe: 'retry' | 'ask' | 'compensate' | 'fail';
  readonly compensate: ((args: EffectArgs<unknown>) => PromiseLike<unknown>) | undefined;
  readonly timeoutMs: number;
  readonly retry: { readonly attempts: number; readonly backoffMs: number };
  readonly target: string | undefined;
  readonly isTargetFault: (error: unknown) => boolean;
  readonly isFinal: (error: unknown) => boolean;
}

/** `Symbol.for`: two copies of this package in one process must still know each other's effects. */
const SPEC = Symbol.for('@wakebus/core/effect');

/**
 * Makes an effect: an ordinary promise logic, for `setup({ actors })`. A plain actor runs it as one.
 *
 * @throws {WakebusError} `INVALID_OPTION`, naming the option.
 */
export function effect<TOutput, TInput = unknown>(
  options: FileEffectOptions<TOutput, TInput>,
): PromiseActorLogic<TOutput, TInput>;
export function effect<TOutput, TInput = unknown>(
  options: EffectOptions<TOutput, TInput>,
): PromiseActorLogic<TOutput, TInput>;
export function effect<TOutput, TInput>(
  options: EffectOptions<TOutput, TInput> | FileEffectOptions<TOutput, TInput>,
): PromiseActorLogic<TOutput, TInput> {
  const spec = checkEffectOptions(options as EffectOptions<unknown, unknown>);
  const logic = fromPromise<TOutput, TInput>((args) =>
    withOwnResources((resources) =>
      options.run({ ...args, idempotencyKey: args.self.sessionId, attempt: 1, epoch: 0, resources, workspace: '.' }),
    ),
  );
  return Object.assign(logic, { [SPEC]: spec });
}

/**
 * What an actor logic is as an effect: as made by {@link effect}, or a plain promise with the careful defaults.
 *
 * @returns `undefined` for any other logic: a machine, a callback, an observable, a transition function.
 */
export function effectSpecOf(logic: unknown): EffectSpec | undefined {
  if (typeof logic !== 'object' || logic === null) return undefined;
  const known = (logic as { [SPEC]?: EffectSpec })[SPEC] ?? plainSpecs.get(logic);
  if (known !== undefined || !isPromiseLogic(logic)) return known;
  const spec = checkEffectOptions({ run: (logic as PromiseLogic).config });
  plainSpecs.set(logic, spec);
  return spec;
}

/** Of plain promises, which carry no mark. */
const plainSpecs = new WeakMap<object, EffectSpec>();

interface PromiseLogic {
  readonly config: (args: EffectArgs<unknown>) => PromiseLike<unknown>;
  readonly start: unknown;
  readonly transition: (state: object, event: object, scope: object) => { status?: unknown; output?: unknown };
}

/** XState gives its logics no names: a promise is what is done with a value once it gets one. A callback or an observable throws, or stays as it is. */
function isPromiseLogic(logic: object): boolean {
  const { config, start, transition } = logic as Partial<PromiseLogic>;
  if (typeof config !== 'function' || typeof start !== 'function' || typeof transition !== 'function') return false;
  const data = {};
  try {
    const next = transition({ status: 'active' }, { type: 'xstate.promise.resolve', data }, {});
    return next.status === 'done' && next.output === data;
  } catch {
    return false;
  }
}
