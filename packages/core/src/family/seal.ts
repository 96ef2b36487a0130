/** What a family is when a step is over: values again, and only those actors that somebody still has. */
import { decode, encode } from '@wakebus/protocol';
import type { AnyMachineSnapshot } from 'xstate';
import { ROOT, referentOf } from './actor-ref.ts';
import type { AgentSnapshot, Family, FamilyActor } from './family.ts';
import type { FamilyStep } from './family-step.ts';
import type { LiveActor } from './household.ts';
import type { ChildSnapshot, Children } from './logic.ts';
import { reviveRefs, storeRefs } from './stored-refs.ts';

/**
 * The agent's snapshot after a step.
 *
 * @param refuse - Called for a child that no step has made: one whose logic has no name.
 */
export function seal(step: FamilyStep, before: AgentSnapshot | undefined, refuse: () => never): AgentSnapshot {
  const alone = (step.household.live(ROOT) as LiveActor).snapshot as unknown as AnyMachineSnapshot;
  if (before !== undefined && step.sessions === 0 && isEmpty(alone.children)) return alone;
  const actors = new Map<number, FamilyActor>();
  const firstNew = (before?.family?.sessions ?? (before === undefined ? -1 : ROOT)) + 1;
  const keep = (live: LiveActor): ChildSnapshot => {
    const { snapshot, phase } = live;
    const { children } = snapshot;
    const kept =
      children === undefined ? undefined : keptChildren(children, phase === 'running' || live.session === ROOT);
    const whole = kept === children || kept === undefined ? snapshot : { ...snapshot, children: kept };
    return live.session < firstNew ? whole : ownContext(live, whole);
  };
  const keptChildren = (children: Children, isAlive: boolean): Children => {
    const ids = Object.keys(children);
    const kept = ids.filter((id) => isAlive && isKept(children[id]));
    return kept.length === ids.length ? children : Object.fromEntries(kept.map((id) => [id, children[id]]));
  };
  const isKept = (ref: Children[string]): boolean => {
    if (ref === undefined) return false;
    const referent = referentOf(ref) ?? refuse();
    return referent.kind === 'effect' || keepActor(referent.session);
  };
  const keepActor = (session: number): boolean => {
    const live = step.household.lives.get(session);
    if (live === undefined) return keepUntouched(session);
    if (live.phase !== 'running' && live.phase !== 'ended') return false;
    const { parent, id, path, systemId, syncSnapshot, ref } = live;
    actors.set(session, { session, parent, id, path, systemId, syncSnapshot, ref, snapshot: keep(live) });
    return true;
  };
  const keepUntouched = (session: number): boolean => {
    const actor = before?.family?.actors.get(session);
    if (actor === undefined) return false;
    actors.set(session, actor);
    keptChildren(actor.snapshot.children ?? {}, true);
    return true;
  };
  const root = keep(step.household.live(ROOT) as LiveActor) as unknown as AnyMachineSnapshot;
  if (step.sessions === 0) return root;
  return { ...root, family: { sessions: step.sessions, actors } satisfies Family } as AgentSnapshot;
}

function isEmpty(children: Children): boolean {
  return Object.keys(children).length === 0;
}

/** A context that the machine's config holds as one object is copied: every actor of the process would share it otherwise. */
function ownContext({ machine, ref }: LiveActor, snapshot: ChildSnapshot): ChildSnapshot {
  if (machine === undefined || typeof machine.config.context === 'function') return snapshot;
  const refs = new Map(Object.values(snapshot.children ?? {}).map((child) => [child?.sessionId, child]));
  refs.set(ref.sessionId, ref);
  const context = reviveRefs(decode(encode(storeRefs(snapshot.context))), (sessionId) => refs.get(sessionId));
  return { ...snapshot, context };
}
