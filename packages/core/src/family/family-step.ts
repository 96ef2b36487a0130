/**
 * One event through an agent's family, purely: the actor that gets it takes a step, and so do all whom that
 * reaches, until nobody has anything left to process. Nothing is executed.
 *
 * The order is XState's own: an actor processes one event to its end; what it sends to an idle one is
 * processed at once, what it sends to a busy one waits in that one's mailbox.
 */
import { type WakebusError, isWakebusError } from '@wakebus/protocol';
import type { AnyActorRef, AnyStateMachine, ExecutableActionObject } from 'xstate';
import { type Output, durable, toOutput, unsupported } from '../outputs.ts';
import { indexOf } from '../machine-index.ts';
import { type StepBudget, type StepScope, inStep, spend } from '../step-scope.ts';
import { type MadeActor, ROOT, type RefHost, adopt, hosted, referentOf } from './actor-ref.ts';
import { whyNoActor } from './actor-check.ts';
import { nameOf, sessionOf } from './family.ts';
import { type FamilyEvent, GONE, Household, type LiveActor, type StepSubject } from './household.ts';
import { type ChildSnapshot, kindOf } from './logic.ts';
import { SystemIds } from './system-ids.ts';

interface PlannedEffect {
  readonly src: string;
  readonly input: unknown;
}

/** An error that came as an event, and that no state of the agent's machine has taken. */
export class Untaken extends Error {
  constructor(cause: unknown) {
    super('no state takes the error', { cause });
  }
}

/** Why what `assign` has spawned is refused. */
export const NO_NAME =
  'it spawns an actor from a logic that has no name, and a later process could not find it again; put it into setup({ actors }) and write the name';

const STOP: FamilyEvent = { type: 'xstate.stop' };
/** The start of an actor that `assign` has spawned. */
const START = 'wakebus.start';

export class FamilyStep implements RefHost {
  readonly outputs: Output[] = [];
  readonly household: Household;
  /** The last number given to an actor. */
  sessions: number;
  /** Whether the event has selected a transition, in the actor that it was for. */
  handled: boolean | undefined;
  readonly #subject: StepSubject;
  readonly #budget: StepBudget = { microsteps: 0 };
  readonly #effects = new Map<AnyActorRef, PlannedEffect>();
  readonly #systemIds: SystemIds;
  #event: FamilyEvent | undefined;
  /** What `assign` has spawned last. */
  #newest: AnyActorRef | undefined;
  /** Not the machine's own error: the whole step fails of it. */
  #fatal: WakebusError | undefined;

  constructor(subject: StepSubject) {
    this.#subject = subject;
    this.household = new Household(subject);
    this.sessions = subject.snapshot?.family?.sessions ?? 0;
    this.#systemIds = new SystemIds(subject.snapshot?.family);
  }

  /** The agent is born. @throws what the machine's code threw. */
  birth(input: unknown): void {
    const root = this.household.root(undefined, 'fresh');
    this.#evaluate(root, input);
    if (this.#fatal !== undefined) throw this.#fatal;
    if (root.snapshot.status === 'error') throw root.snapshot.error;
    this.#begin(root);
  }

  /** An event for one actor. @throws what the machine's code threw, and {@link Untaken}. */
  take(name: string | undefined, event: FamilyEvent): void {
    this.#event = event;
    const actor = this.household.live(sessionOf(name));
    if (actor !== undefined) this.#send(actor, event);
  }

  /** Runs something that may ask references for their snapshots. */
  host<T>(run: () => T): T {
    return hosted(this, run);
  }

  beget(ref: MadeActor, src: string, logic: unknown, input: unknown): { readonly status: string } {
    const { _parent: by } = ref;
    const parent = referentOf(by);
    const owner = parent?.kind === 'actor' ? parent.session : ROOT;
    const why = whyNoActor(this.household.live(owner)?.machine as AnyStateMachine, {
      src,
      id: ref.id,
      systemId: ref.systemId,
    });
    if (why !== undefined) this.#fatal ??= unsupported(this.#subject.agentType, this.#subject.during, why);
    else if (kindOf(logic) === 'effect') {
      adopt(ref, { kind: 'effect', owner, id: ref.id });
      this.#effects.set(ref, { src, input });
    } else this.#bear(ref, owner, src, logic, input);
    this.#newest = ref;
    return { status: 'active' };
  }

  snapshotOf(session: number): unknown {
    return this.household.live(session)?.snapshot;
  }

  register(systemId: string, ref: AnyActorRef): void {
    this.#systemIds.set(systemId, ref);
  }

  unregister(ref: AnyActorRef): void {
    this.#systemIds.delete(ref);
  }

  bySystemId(systemId: string): AnyActorRef | undefined {
    return this.#systemIds.get(systemId);
  }

  allSystemIds(): Record<string, AnyActorRef> {
    return this.#systemIds.all();
  }

  #bear(ref: MadeActor, owner: number, src: string, logic: unknown, input: unknown): void {
    this.sessions += 1;
    const session = this.sessions;
    const parent = this.household.live(owner) as LiveActor;
    adopt(ref, { kind: 'actor', session });
    const { _syncSnapshot: isWatched } = ref;
    const place = {
      session,
      parent: owner,
      id: ref.id,
      path: [...parent.path, src],
      syncSnapshot: isWatched === true,
      ref,
    };
    const unborn = { ...place, systemId: ref.systemId, snapshot: { status: 'active' } };
    const live = this.household.enlist(unborn, logic, 'fresh');
    this.#evaluate(live, input);
    // XState frees the system ID of one that is over at once.
    if (live.snapshot.status !== 'active') this.#systemIds.delete(ref);
  }

  #evaluate(live: LiveActor, input: unknown): void {
    try {
      this.#inScope(live, (scope) => {
        live.snapshot = live.logic.getInitialSnapshot(scope.actorScope, input);
        live.birthActions = scope.actions;
      });
    } catch (error) {
      live.snapshot = { status: 'error', error };
    }
  }

  #inScope<T>(live: LiveActor, run: (scope: StepScope) => T): T {
    return inStep(run, {
      self: live.ref,
      budget: this.#budget,
      onAction: (action) => this.#onAction(action),
      onDefer: ({ actions }) => {
        actions.push({ type: START, params: { actorRef: this.#newest } } as unknown as ExecutableActionObject);
      },
    });
  }

  /** What stops within a step gives its system IDs free at once, and is not started if it was not: it may be entered anew by the same step. */
  #onAction({ type, params }: ExecutableActionObject): void {
    if (type === 'xstate.stopChild' && params !== undefined) this.#release(params as unknown as AnyActorRef);
  }

  #release(ref: AnyActorRef): void {
    const referent = referentOf(ref);
    if (referent?.kind !== 'actor') return;
    this.#systemIds.delete(ref);
    const live = this.household.live(referent.session);
    if (live?.phase === 'fresh') live.phase = 'stopped';
    for (const child of Object.values(live?.snapshot.children ?? {})) if (child !== undefined) this.#release(child);
  }

  #begin(live: LiveActor): void {
    if (live.phase !== 'fresh') return;
    live.phase = 'running';
    const { snapshot } = live;
    if (snapshot.status === 'error') return this.#end(live, 'error', snapshot.error);
    if (snapshot.status === 'active') for (const child of Object.values(snapshot.children ?? {})) this.#beginRef(child);
    this.#update(live, snapshot, live.birthActions);
    live.isOpen = true;
    this.#flush(live);
  }

  #beginRef(ref: AnyActorRef | undefined): void {
    const live = this.household.behind(ref);
    if (live === undefined || live.phase !== 'fresh') return;
    // Nobody could name the one before any more.
    for (const other of this.household.namesakesOf(live)) this.#stop(other);
    this.#begin(live);
  }

  #send(live: LiveActor, event: FamilyEvent): void {
    if (live.phase === 'stopped' || live.phase === 'ended') return;
    live.mailbox.push(event);
    this.#flush(live);
  }

  #flush(live: LiveActor): void {
    if (!live.isOpen || live.isBusy) return;
    live.isBusy = true;
    for (let event = live.mailbox.shift(); event !== undefined; event = live.mailbox.shift())
      this.#process(live, event);
    live.isBusy = false;
  }

  #process(live: LiveActor, event: FamilyEvent): void {
    if (event === STOP) return this.#halt(live);
    // XState keeps an entry for each type that it was ever asked about, and types come from outside.
    const isKnown =
      live.machine === undefined || event.type.startsWith('xstate.') || indexOf(live.machine).knows(event.type);
    if (!isKnown || live.machine === undefined) spend(this.#budget);
    if (!isKnown) return this.#update(live, live.snapshot, []);
    const taken = this.#transition(live, event);
    if (this.#fatal !== undefined) throw this.#fatal;
    if (taken === undefined) return;
    if (event === this.#event) this.handled ??= live.machine === undefined || taken.scope.handled === true;
    if (live.session === ROOT && taken.next.status === 'error')
      throw taken.scope.handled === false ? new Untaken(taken.next.error) : taken.next.error;
    this.#update(live, taken.next, taken.scope.actions);
  }

  /** @returns `undefined` when a child has thrown, and its parent has been told. */
  #transition(live: LiveActor, event: FamilyEvent): { next: ChildSnapshot; scope: StepScope } | undefined {
    try {
      return this.#inScope(live, (scope) => ({
        next: live.logic.transition(live.snapshot, event, scope.actorScope),
        scope,
      }));
    } catch (error) {
      if (live.session === ROOT || isWakebusError(error)) throw error;
      live.snapshot = { ...live.snapshot, status: 'error', error };
      this.#stopChildren(live);
      this.#end(live, 'error', error);
      return undefined;
    }
  }

  /** The outputs first: XState runs custom actions during the transition, and moves other actors after it. */
  #update(live: LiveActor, next: ChildSnapshot, actions: readonly ExecutableActionObject[]): void {
    live.snapshot = next;
    for (const action of actions) this.#put(live, action);
    for (const { type, params } of actions) this.#move(type, params as MoveParams | undefined);
    if (next.status === 'error' || next.status === 'done') {
      if (live.phase === 'running') this.#end(live, next.status, next.status === 'done' ? next.output : next.error);
    } else if (live.syncSnapshot) this.#tell(live, { type: `xstate.snapshot.${live.id}`, snapshot: next });
  }

  #put(live: LiveActor, action: ExecutableActionObject): void {
    const { agentType, during } = this.#subject;
    const { type, params } = action as { type: string; params: MoveParams | undefined };
    const actor = nameOf(live);
    const whose = actor === undefined ? undefined : { actor };
    if (type === START || type === 'xstate.spawnChild') return this.#plan(live, params?.actorRef, params, whose);
    if (type === 'xstate.stopChild') {
      const referent = referentOf(params);
      if (referent?.kind === 'effect') this.outputs.push({ kind: 'abort', id: referent.id, ...whose });
      return;
    }
    if (type === 'xstate.sendTo' && typeof params?.delay !== 'number') return;
    const output = toOutput(agentType, action, during);
    if (output === undefined) return;
    if (output.kind === 'action') this.outputs.push({ ...output, run: () => this.host(output.run) });
    else if (whose === undefined && type !== 'xstate.sendTo') this.outputs.push(output);
    else if (output.kind === 'timer') this.outputs.push({ ...output, ...whose, ...this.#target(live, type, params) });
    else if (output.kind === 'cancel') this.outputs.push({ ...output, ...whose });
    else this.outputs.push(output);
  }

  #plan(live: LiveActor, ref: AnyActorRef | undefined, spawn: MoveParams | undefined, whose: object | undefined): void {
    const referent = referentOf(ref);
    const { agentType, during } = this.#subject;
    const why = spawn?.src === undefined ? undefined : whyNoActor(live.machine as AnyStateMachine, spawn);
    if (why !== undefined || ref === undefined || referent === undefined)
      throw unsupported(agentType, during, why ?? NO_NAME);
    const effect = this.#effects.get(ref);
    if (effect === undefined) return;
    const machines = live.path.length === 0 ? undefined : { machines: live.path };
    this.outputs.push(durable({ kind: 'effect', id: ref.id, ...effect, ...whose, ...machines }));
  }

  /** Whom a delayed `sendTo` is for, where that is another actor. */
  #target(live: LiveActor, type: string, params: MoveParams | undefined): { readonly to: string | null } | undefined {
    if (type !== 'xstate.sendTo') return undefined;
    const other = this.#receiver(params);
    return other === live ? undefined : { to: nameOf(other) ?? null };
  }

  #move(type: string, params: MoveParams | undefined): void {
    if (type === START || type === 'xstate.spawnChild') return this.#beginRef(params?.actorRef);
    if (type === 'xstate.stopChild') {
      const live = this.household.behind(params);
      if (live !== undefined) this.#stop(live);
    } else if (type === 'xstate.sendTo' && typeof params?.delay !== 'number')
      this.#send(this.#receiver(params), params?.event as FamilyEvent);
  }

  /** An actor that is gone takes what is sent to it, and nothing comes of it. */
  #receiver(params: MoveParams | undefined): LiveActor {
    const referent = referentOf(params?.to);
    if (referent?.kind === 'actor') return this.household.live(referent.session) ?? GONE;
    if (referent?.kind === 'effect')
      throw new Error(`the effect "${referent.id}" takes no events: give it all it needs as input`);
    throw new Error("sendTo() reaches only the agent's own actors; use sendToAgent('<type>/<id>', event)");
  }

  #stop(live: LiveActor): void {
    if (live.phase === 'fresh') live.phase = 'stopped';
    if (live.phase !== 'running') return;
    live.mailbox.length = 0;
    this.#send(live, STOP);
  }

  #halt(live: LiveActor): void {
    live.snapshot = { ...live.snapshot, status: 'stopped' };
    this.#stopChildren(live);
    this.#finish(live, 'stopped');
  }

  #stopChildren({ snapshot }: LiveActor): void {
    for (const child of Object.values(snapshot.children ?? {})) {
      const live = this.household.behind(child);
      if (live !== undefined) this.#stop(live);
    }
  }

  /** An actor has come to its end by itself, and its parent hears of it. */
  #end(live: LiveActor, status: 'done' | 'error', value: unknown): void {
    this.#finish(live, 'ended');
    const { id } = live;
    const what = status === 'done' ? { output: value } : { error: value };
    this.#tell(live, { type: `xstate.${status}.actor.${id}`, ...what, actorId: id });
  }

  #finish(live: LiveActor, phase: 'ended' | 'stopped'): void {
    live.phase = phase;
    live.mailbox.length = 0;
    this.#systemIds.delete(live.ref);
    const actor = nameOf(live);
    if (actor !== undefined) this.outputs.push({ kind: 'end', actor });
  }

  #tell(live: LiveActor, event: FamilyEvent): void {
    const parent = live.session === ROOT ? undefined : this.household.live(live.parent);
    if (parent !== undefined) this.#send(parent, event);
  }
}

/** What is read of the params of actions that move actors. */
interface MoveParams {
  readonly actorRef?: AnyActorRef;
  readonly src?: unknown;
  readonly id?: unknown;
  readonly to?: unknown;
  readonly delay?: unknown;
  readonly event?: unknown;
}
