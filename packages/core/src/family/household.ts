/**
 * The actors of an agent in the middle of a step: those that the step has touched, as they are by now.
 */
import type { AnyStateMachine, ExecutableActionObject } from 'xstate';
import { ROOT, referentOf, rootRef } from './actor-ref.ts';
import type { AgentSnapshot, FamilyActor } from './family.ts';
import { type ChildSnapshot, type SteppedLogic, isMachine, logicOf, runnable } from './logic.ts';

/** An event between actors, or from the runtime. */
export interface FamilyEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** `fresh`: made, and not started. `ended`: done or failed by itself. `stopped`: by its parent. */
type Phase = 'fresh' | 'running' | 'ended' | 'stopped';

/** An actor in the middle of a step. */
export interface LiveActor extends Omit<FamilyActor, 'snapshot'> {
  readonly logic: SteppedLogic;
  /** As its author wrote it; not there for a transition function. */
  readonly machine: AnyStateMachine | undefined;
  snapshot: ChildSnapshot;
  phase: Phase;
  isOpen: boolean;
  isBusy: boolean;
  readonly mailbox: FamilyEvent[];
  /** What it is to do when it starts. */
  birthActions: readonly ExecutableActionObject[];
}

/** What a step works on: an agent that is born, or one with a state. */
export interface StepSubject {
  readonly agentType: string;
  readonly machine: AnyStateMachine;
  readonly snapshot: AgentSnapshot | undefined;
  /** What the step is about, for errors. */
  readonly during: string;
}

/** Makes actors live as they are asked for: most of a large family sleeps through a step. */
export class Household {
  readonly lives: Map<number, LiveActor> = new Map();
  readonly #subject: StepSubject;

  constructor(subject: StepSubject) {
    this.#subject = subject;
  }

  /** An actor as this step has it; `undefined` for one that is gone. */
  live(session: number): LiveActor | undefined {
    const known = this.lives.get(session);
    if (known !== undefined) return known;
    const { snapshot } = this.#subject;
    if (session === ROOT) return snapshot === undefined ? undefined : this.root(snapshot, 'running');
    const actor = snapshot?.family?.actors.get(session);
    return actor === undefined ? undefined : this.#revive(actor);
  }

  /** The actor that a reference stands for, as this step has it. */
  behind(ref: unknown): LiveActor | undefined {
    const referent = referentOf(ref);
    return referent?.kind === 'actor' ? this.live(referent.session) : undefined;
  }

  /** The agent's own machine. */
  root(snapshot: AgentSnapshot | undefined, phase: Phase): LiveActor {
    const { machine } = this.#subject;
    const place = { session: ROOT, parent: ROOT, id: '', path: [], syncSnapshot: false, ref: rootRef };
    return this.enlist({ ...place, snapshot: snapshot as unknown as ChildSnapshot }, machine, phase);
  }

  enlist(actor: FamilyActor, logic: unknown, phase: Phase): LiveActor {
    const live: LiveActor = {
      ...actor,
      logic: (isMachine(logic) ? runnable(logic) : logic) as SteppedLogic,
      machine: isMachine(logic) ? logic : undefined,
      phase,
      isOpen: phase === 'running',
      isBusy: false,
      mailbox: [],
      birthActions: [],
    };
    this.lives.set(actor.session, live);
    return live;
  }

  /** All who share a parent and an ID with an actor. */
  namesakesOf({ session, parent, id }: LiveActor): LiveActor[] {
    const all = [...(this.#subject.snapshot?.family?.actors.values() ?? []), ...this.lives.values()];
    return all.flatMap((other) => {
      const isOne = other.session !== session && other.session !== ROOT && other.parent === parent && other.id === id;
      const live = isOne ? this.live(other.session) : undefined;
      return live === undefined ? [] : [live];
    });
  }

  #revive(actor: FamilyActor): LiveActor {
    const { machine } = this.live(actor.parent) as LiveActor;
    const logic = logicOf(machine as AnyStateMachine, actor.path.at(-1) as string);
    return this.enlist(actor, logic, actor.snapshot.status === 'active' ? 'running' : 'ended');
  }
}

/** Who gets what is sent to an actor that is gone. */
export const GONE = { session: -1, id: '', phase: 'stopped' } as unknown as LiveActor;
