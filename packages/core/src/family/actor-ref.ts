/**
 * References to actors, as guards and actions get them, and as they stand among a snapshot's children and in
 * contexts. A reference is a name and holds no state: what it stands for is asked of the step under way.
 */
import type { ActorSystem, AnyActorRef } from 'xstate';

/** An actor as XState makes it: more than its types say of a reference. */
export type MadeActor = AnyActorRef & { readonly systemId?: string; readonly _syncSnapshot?: boolean };

/** What a reference stands for: an actor, by its number within the agent, or an effect of one. */
export type Referent =
  | { readonly kind: 'actor'; readonly session: number }
  | { readonly kind: 'effect'; readonly owner: number; readonly id: string };

/** What answers for references while a step runs, and takes the actors that XState makes. */
export interface RefHost {
  beget(actor: MadeActor, src: string, logic: unknown, input: unknown): { readonly status: string };
  snapshotOf(session: number): unknown;
  register(systemId: string, ref: AnyActorRef): void;
  unregister(ref: AnyActorRef): void;
  bySystemId(systemId: string): AnyActorRef | undefined;
  allSystemIds(): Record<string, AnyActorRef>;
}

/** The agent's own machine. Its children are numbered from 1, and no number is used again. */
export const ROOT = 0;

const referents = new WeakMap<object, Referent>();
/** Steps are synchronous, and one may run inside another: this is the innermost. */
let host: RefHost | undefined;
let observe: (event: { readonly type: string }) => void = nothing;

/** What a reference stands for; `undefined` for whatever no step has made. */
export function referentOf(ref: unknown): Referent | undefined {
  return typeof ref === 'object' && ref !== null ? referents.get(ref) : undefined;
}

/** Runs something while references are answered for by another host. */
export function hosted<T>(by: RefHost | undefined, run: () => T): T {
  const outer = host;
  host = by;
  try {
    return run();
  } finally {
    host = outer;
  }
}

/** Takes a child into the step that is under way, as XState makes its actor. @returns what XState is to believe of it. */
export function beget(actor: AnyActorRef, src: string, logic: unknown, input: unknown): { readonly status: string } {
  if (host === undefined) throw new Error(`the actor "${src}" is spawned while no agent takes a step`);
  return host.beget(actor as MadeActor, src, logic, input);
}

/** Sets who is told what XState reports of its steps. */
export function observeSteps(listener: (event: { readonly type: string }) => void): void {
  observe = listener;
}

/**
 * The system of all agents' actors, of which XState asks names and to which it reports. It keeps nothing:
 * system IDs are those of the step under way.
 */
const system = {
  _snapshot: { _scheduledEvents: {} },
  _bookId: () => '',
  _register: nothing,
  _unregister: (ref: AnyActorRef) => host?.unregister(ref),
  _set: (systemId: string, ref: AnyActorRef) => host?.register(systemId, ref),
  _sendInspectionEvent: (event: { readonly type: string }) => observe(event),
  _relay: refuse,
  _clock: undefined,
  _logger: console.log,
  scheduler: { schedule: refuse, cancel: nothing, cancelAll: nothing },
  get: (systemId: string) => host?.bySystemId(systemId),
  getAll: () => host?.allSystemIds() ?? {},
  getSnapshot: () => ({ _scheduledEvents: {} }),
  inspect: () => ({ unsubscribe: nothing }),
  start: nothing,
} as unknown as ActorSystem<never>;

/** What is known of an actor besides its state. */
export interface ActorName {
  readonly id: string;
  readonly src?: string | undefined;
  readonly systemId?: string | undefined;
  readonly syncSnapshot?: boolean | undefined;
  readonly parent?: AnyActorRef | undefined;
}

/** A reference made here: to an actor that is restored, or to an effect. */
export function makeRef(referent: Referent, { id, src, systemId, syncSnapshot, parent }: ActorName): AnyActorRef {
  const ref: Record<string, unknown> = {
    id,
    src,
    systemId,
    system,
    _parent: parent,
    _syncSnapshot: syncSnapshot,
    subscribe: () => ({ unsubscribe: nothing }),
    on: () => ({ unsubscribe: nothing }),
  };
  ref['ref'] = ref;
  return adopt(ref as unknown as AnyActorRef, referent);
}

/** Makes an actor that XState has made a reference, which holds no state. */
export function adopt(ref: AnyActorRef, referent: Referent): AnyActorRef {
  referents.set(ref, referent);
  const isActor = referent.kind === 'actor';
  return Object.assign(ref, {
    sessionId: isActor ? `x:${referent.session}` : `x:${referent.owner}/${referent.id}`,
    send: isActor ? refuse : refuseEffect,
    getSnapshot: isActor ? () => snapshotOf(referent.session) : () => ({ status: 'active' }),
  });
}

/** The agent's own machine, as `self` and `parent`. */
export const rootRef: AnyActorRef = makeRef({ kind: 'actor', session: ROOT }, { id: '' });

function snapshotOf(session: number): unknown {
  if (host === undefined)
    throw new Error('the snapshot of an actor can be read while its agent takes a step, and not later');
  return host.snapshotOf(session) ?? { status: 'stopped' };
}

function refuse(): never {
  throw new Error(
    'an agent sends nothing by send(): use raise(), sendTo() an actor of its own, or sendToAgent() an address',
  );
}

function refuseEffect(): never {
  throw new Error('an effect takes no events: give it all it needs as input');
}

function nothing(): void {}
