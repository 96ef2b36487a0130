/**
 * A family: the child actors of an agent, below its machine, as values. They live in the agent's record,
 * inside its snapshot. Steps through them are in `family-step.ts`, their stored form in `stored-actors.ts`.
 */
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { ROOT, makeRef, referentOf } from './actor-ref.ts';
import type { ChildSnapshot, Children } from './logic.ts';

/** One child actor: a machine or a transition function that another actor of the agent has invoked or spawned. */
export interface FamilyActor {
  /** Its number within the agent; none is used again. */
  readonly session: number;
  /** Number of the actor that it belongs to. */
  readonly parent: number;
  readonly id: string;
  /** The names under which it is found from the agent's machine: those of its ancestors and its own. */
  readonly path: readonly string[];
  readonly systemId?: string | undefined;
  /** Its parent is told of each of its snapshots. */
  readonly syncSnapshot: boolean;
  readonly ref: AnyActorRef;
  /** An ended one stays as long as its parent has it among its children. */
  readonly snapshot: ChildSnapshot;
}

/** All child actors of an agent. */
export interface Family {
  /** The last number that was given. */
  readonly sessions: number;
  readonly actors: ReadonlyMap<number, FamilyActor>;
}

/** A machine's state in memory, as `transition` takes it, with its family. Immutable; a step returns another one. */
export type AgentSnapshot = AnyMachineSnapshot & { readonly family?: Family };

/** Whose a timer or an effect is: `<id>:<number>` of a child actor; `undefined` for the agent's own machine. */
export type ActorName = string | undefined;

export function nameOf({ id, session }: Pick<FamilyActor, 'id' | 'session'>): ActorName {
  return session === ROOT ? undefined : `${id}:${session}`;
}

/** The number in an actor's name. */
export function sessionOf(name: ActorName): number {
  return name === undefined ? ROOT : Number(name.slice(name.lastIndexOf(':') + 1));
}

/** Whether an actor is there and takes events. */
export function hasActor(snapshot: AgentSnapshot, name: ActorName): boolean {
  return name === undefined || snapshot.family?.actors.get(sessionOf(name))?.snapshot.status === 'active';
}

/** The name of a timer or an effect among all of an agent: what operators call it. */
export function ownName({ actor, id }: EffectChild): string {
  return actor === undefined ? id : `${actor}/${id}`;
}

/** Who has an effect open, and under which ID. */
export interface EffectChild {
  readonly actor?: ActorName;
  readonly id: string;
}

/** The snapshot with just these effects among the children of its actors; the same object where it has no others. */
export function withEffects(snapshot: AgentSnapshot, effects: readonly EffectChild[]): AgentSnapshot {
  const root = childrenWith(snapshot.children, ROOT, idsOf(effects, ROOT));
  const family = familyWith(snapshot.family, effects);
  if (root === snapshot.children && family === snapshot.family) return snapshot;
  return { ...snapshot, children: root, ...(family !== undefined && { family }) } as AgentSnapshot;
}

function familyWith(family: Family | undefined, effects: readonly EffectChild[]): Family | undefined {
  let actors: Map<number, FamilyActor> | undefined;
  for (const actor of family?.actors.values() ?? []) {
    const { session, snapshot } = actor;
    if (snapshot.children === undefined) continue;
    const children = childrenWith(snapshot.children, session, idsOf(effects, session));
    if (children === snapshot.children) continue;
    actors ??= new Map(family?.actors);
    actors.set(session, { ...actor, snapshot: { ...snapshot, children } });
  }
  return actors === undefined ? family : { sessions: family?.sessions ?? 0, actors };
}

function idsOf(effects: readonly EffectChild[], session: number): readonly string[] {
  return effects.filter(({ actor }) => sessionOf(actor) === session).map(({ id }) => id);
}

function childrenWith(children: Children, owner: number, ids: readonly string[]): Children {
  const present = Object.keys(children).filter((id) => referentOf(children[id])?.kind === 'effect');
  if (present.length === ids.length && ids.every((id) => present.includes(id))) return children;
  const others = Object.entries(children).filter(([, ref]) => referentOf(ref)?.kind !== 'effect');
  const effects = ids.map((id) => [id, children[id] ?? makeRef({ kind: 'effect', owner, id }, { id })] as const);
  return Object.fromEntries([...others, ...effects]);
}
