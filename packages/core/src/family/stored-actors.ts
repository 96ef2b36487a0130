/**
 * The stored form of a family: each actor within its parent's snapshot, under its ID, as XState persists them.
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';
import { ROOT, makeRef, referentOf, rootRef } from './actor-ref.ts';
import type { AgentSnapshot, Family, FamilyActor } from './family.ts';
import { type ChildSnapshot, type Children, isMachine, kindOf, logicOf } from './logic.ts';
import { type StoredActor, type StoredSnapshot, restoreMachine, storeMachine } from './stored-machine.ts';
import { reviveRefs, storeRefs } from './stored-refs.ts';

/** A snapshot with its children, as it is stored. */
export function storeFamily(machine: AnyStateMachine, snapshot: AgentSnapshot): StoredSnapshot {
  const stored = storeMachine(machine, snapshot);
  const { family } = snapshot;
  if (Object.keys(machine.implementations.actors).length === 0) return stored;
  const whole = withRefs(stored);
  if (family === undefined) return whole;
  const children = storeChildren(machine, snapshot.children, family);
  return { ...whole, sessions: family.sessions, ...(children !== undefined && { children }) };
}

function withRefs<T extends { readonly context?: unknown }>(stored: T): T {
  const context = storeRefs(stored.context);
  return context === stored.context ? stored : { ...stored, context };
}

function storeChildren(
  machine: AnyStateMachine,
  children: Children,
  family: Family,
): Record<string, StoredActor> | undefined {
  const stored: Record<string, StoredActor> = {};
  for (const [id, ref] of Object.entries(children)) {
    const referent = referentOf(ref);
    const actor = referent?.kind === 'actor' ? family.actors.get(referent.session) : undefined;
    if (actor !== undefined) stored[id] = storeActor(machine, actor, family);
  }
  return Object.keys(stored).length === 0 ? undefined : stored;
}

function storeActor(machine: AnyStateMachine, actor: FamilyActor, family: Family): StoredActor {
  const { session, systemId, syncSnapshot, snapshot } = actor;
  const src = actor.path.at(-1) as string;
  return {
    session,
    src,
    ...(systemId !== undefined && { systemId }),
    ...(syncSnapshot && { syncSnapshot }),
    snapshot: storeChild(logicOf(machine, src), snapshot, family),
  };
}

function storeChild(logic: unknown, snapshot: ChildSnapshot, family: Family): StoredActor['snapshot'] {
  const error = snapshot.status === 'error' ? { status: 'error', error: plainError(snapshot.error) } : undefined;
  if (!isMachine(logic)) return withRefs({ ...snapshot, ...error });
  const stored = withRefs(storeMachine(logic, snapshot as AgentSnapshot));
  const children = storeChildren(logic, snapshot.children ?? {}, family);
  return { ...stored, ...(error as object), ...(children !== undefined && { children }) };
}

/** What was thrown may hold anything: what remains is what can be read. */
function plainError(error: unknown): Error {
  const plain = new Error(error instanceof Error ? error.message : String(error));
  if (error instanceof Error) plain.name = error.name;
  return plain;
}

/** The snapshot in memory for a stored one with its children. @throws an Error that says what has no home. */
export function restoreFamily(machine: AnyStateMachine, stored: StoredSnapshot): AgentSnapshot {
  if (stored.status === 'error') throw new Error('it has no status that an agent can have');
  const snapshot: AgentSnapshot = restoreMachine(machine, stored);
  if (Object.keys(machine.implementations.actors).length === 0) return snapshot;
  const revival = new Revival();
  const children = revival.children(machine, stored.children, { session: ROOT, ref: rootRef, path: [] });
  const context = revival.context(snapshot.context) as AgentSnapshot['context'];
  if (stored.sessions === undefined) return context === snapshot.context ? snapshot : { ...snapshot, context };
  return { ...snapshot, context, children, family: { sessions: stored.sessions, actors: revival.actors() } };
}

interface Parent {
  readonly session: number;
  readonly ref: AnyActorRef;
  readonly path: readonly string[];
}

class Revival {
  readonly #found: FamilyActor[] = [];
  readonly #refs = new Map<string, AnyActorRef>([[rootRef.sessionId, rootRef]]);

  children(machine: AnyStateMachine, stored: StoredSnapshot['children'], parent: Parent): Record<string, AnyActorRef> {
    const refs = Object.entries(stored ?? {}).map(([id, actor]) => [id, this.#actor(machine, id, actor, parent)]);
    return Object.fromEntries(refs) as Record<string, AnyActorRef>;
  }

  /** Only now that every actor has its reference. */
  actors(): Map<number, FamilyActor> {
    return new Map(this.#found.map((actor) => [actor.session, this.#withContext(actor)]));
  }

  context(context: unknown): unknown {
    return reviveRefs(context, (sessionId, id) => this.#refs.get(sessionId) ?? this.#lost(sessionId, id));
  }

  #withContext(actor: FamilyActor): FamilyActor {
    const context = this.context(actor.snapshot.context);
    return context === actor.snapshot.context ? actor : { ...actor, snapshot: { ...actor.snapshot, context } };
  }

  #actor(machine: AnyStateMachine, id: string, stored: StoredActor, parent: Parent): AnyActorRef {
    const { session, src, systemId, syncSnapshot = false } = stored;
    const logic = logicOf(machine, src);
    const kind = kindOf(logic);
    if (kind !== 'machine' && kind !== 'pure')
      throw new Error(`its child ${id} is of the actor "${src}", which the machine does not have`);
    const ref = makeRef({ kind: 'actor', session }, { id, src, systemId, syncSnapshot, parent: parent.ref });
    this.#refs.set(ref.sessionId, ref);
    const path = [...parent.path, src];
    const snapshot = this.#snapshot(logic, stored.snapshot, { session, ref, path });
    this.#found.push({ session, parent: parent.session, id, path, systemId, syncSnapshot, ref, snapshot });
    return ref;
  }

  #snapshot(logic: unknown, stored: StoredActor['snapshot'], self: Parent): ChildSnapshot {
    if (!isMachine(logic)) return stored as ChildSnapshot;
    const snapshot = restoreMachine(logic, stored as StoredSnapshot) as unknown as ChildSnapshot;
    return { ...snapshot, children: this.children(logic, (stored as StoredSnapshot).children, self) };
  }

  /** A reference to an actor that is gone, or to an effect. */
  #lost(sessionId: string, id: string): AnyActorRef {
    const [, session = '', effect] = /^x:(\d+)(\/.*)?$/s.exec(sessionId) ?? [];
    const isActor = effect === undefined;
    return makeRef(
      isActor ? { kind: 'actor', session: Number(session) } : { kind: 'effect', owner: Number(session), id },
      { id },
    );
  }
}
