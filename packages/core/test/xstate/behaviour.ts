/**
 * Behaviours of XState, each a small machine and what happens to it. They are played to a live XState actor and
 * to an agent that sleeps before every step; `xstate.test.ts` compares the two.
 */
import * as xstate from 'xstate';
import { type AnyActorRef, type AnyStateMachine, type PromiseActorLogic, createMachine, fromPromise } from 'xstate';

/** What a machine of a behaviour is made with: both sides get their own. */
export interface Props {
  /** What custom actions write to. */
  readonly log: (word: string) => void;
  /** A promise that ends when a step says so. */
  readonly task: PromiseActorLogic<unknown>;
}

/** One thing that happens: an event, a wait in milliseconds, or the end of the oldest task of an ID. */
export type Happening =
  | { readonly type: string; readonly [field: string]: unknown }
  | number
  | { readonly done: string; readonly output?: unknown }
  | { readonly failed: string; readonly error: string };

export interface Behaviour {
  /** A promise, as it stands in the table. */
  readonly what: string;
  readonly machine: (props: Props) => AnyStateMachine;
  readonly happens: readonly Happening[];
  /** Why it cannot be, where it is refused by `defineAgent`. */
  readonly refused?: string;
  /** Why it is otherwise in an agent. */
  readonly differs?: string;
}

/** What is compared after each step. */
export interface Seen {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
  readonly output: unknown;
  /** Child actors by their IDs, with their states; effects are not among them. */
  readonly children: unknown;
  readonly log: readonly string[];
}

/** A side that a behaviour is played to. */
export interface Side {
  take(happening: Happening): Promise<void>;
  readonly seen: Seen;
}

/** What is looked at of a snapshot, of a machine or of a transition function. */
export interface SnapshotLike {
  readonly value?: unknown;
  readonly context?: unknown;
  readonly status: string;
  readonly output?: unknown;
  readonly children?: Readonly<Record<string, AnyActorRef | undefined>>;
}

/** How a side finds the snapshot of a child; nothing for one that has none. */
export type ReadChild = (child: AnyActorRef) => SnapshotLike | undefined;

/** What is seen of a snapshot. Promises are left out: an agent keeps no ended ones. */
export function look(snapshot: SnapshotLike, read: ReadChild, log: readonly string[]): Seen {
  const { value, context, status, output } = snapshot;
  return { value, context: plain(context), status, output, children: childrenOf(snapshot, read), log: [...log] };
}

function childrenOf({ children, status }: SnapshotLike, read: ReadChild): unknown {
  if (status !== 'active') return {};
  const found = Object.entries(children ?? {}).flatMap(([id, child]) => {
    const snapshot = child === undefined ? undefined : read(child);
    if (snapshot === undefined || !('context' in snapshot)) return [];
    const { value, context } = snapshot;
    const state = { value, context: plain(context), status: snapshot.status };
    return [[id, { ...state, children: childrenOf(snapshot, read) }] as const];
  });
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** References are told by the IDs of their actors. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('sessionId' in value && 'send' in value) {
    const { _parent: parent, id } = value as AnyActorRef;
    return parent === undefined ? 'ref to the machine itself' : `ref to ${id}`;
  }
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

/** A logic of {@link Props.task} for an agent: it is never run, only told how it ended. */
export function idleTask(): PromiseActorLogic<unknown> {
  return fromPromise<unknown>(() => new Promise(() => {}));
}

/** XState's makers of actions without their types: here the machines are made of whatever parts. */
type Loose = (...args: readonly unknown[]) => never;
export const assign = xstate.assign as unknown as Loose;
export const cancel = xstate.cancel as unknown as Loose;
export const enqueueActions = xstate.enqueueActions as unknown as Loose;
export const forwardTo = xstate.forwardTo as unknown as Loose;
export const raise = xstate.raise as unknown as Loose;
export const sendParent = xstate.sendParent as unknown as Loose;
export const sendTo = xstate.sendTo as unknown as Loose;
export const spawnChild = xstate.spawnChild as unknown as Loose;
export const stopChild = xstate.stopChild as unknown as Loose;

/** A machine of whatever config, with actors by name. */
export function machineOf(config: object, actors: object = {}, more: object = {}): AnyStateMachine {
  return createMachine(config as never, { actors, ...more });
}

/** Adds a word to the context's `notes`, or what is made of the event. */
export function note(word: string | ((event: never) => unknown)): unknown {
  return assign({
    notes: ({ context, event }: { context: { notes?: unknown[] }; event: unknown }) => [
      ...(context.notes ?? []),
      typeof word === 'string' ? word : word(event as never),
    ],
  });
}
