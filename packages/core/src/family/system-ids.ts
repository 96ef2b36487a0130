/** The system IDs of an agent's actors during a step. */
import type { AnyActorRef } from 'xstate';
import type { MadeActor } from './actor-ref.ts';
import type { Family } from './family.ts';

export class SystemIds {
  readonly #family: Family | undefined;
  #refs: Map<string, AnyActorRef> | undefined;

  constructor(family: Family | undefined) {
    this.#family = family;
  }

  get(systemId: string): AnyActorRef | undefined {
    return this.#all().get(systemId);
  }

  all(): Record<string, AnyActorRef> {
    return Object.fromEntries(this.#all());
  }

  /** @throws when another actor has it. */
  set(systemId: string, ref: AnyActorRef): void {
    const other = this.#all().get(systemId);
    if (other !== undefined && other !== ref)
      throw new Error(`an actor with the system ID "${systemId}" exists already`);
    this.#all().set(systemId, ref);
  }

  /** Another actor may have got it meanwhile, and keeps it. */
  delete(ref: AnyActorRef): void {
    const { systemId } = ref as MadeActor;
    if (systemId !== undefined && this.#all().get(systemId) === ref) this.#all().delete(systemId);
  }

  /** Collected when first asked for: most steps never do. */
  #all(): Map<string, AnyActorRef> {
    if (this.#refs !== undefined) return this.#refs;
    const living = [...(this.#family?.actors.values() ?? [])].filter(({ snapshot }) => snapshot.status === 'active');
    const named = living.flatMap(({ systemId, ref }) => (systemId === undefined ? [] : [[systemId, ref] as const]));
    this.#refs = new Map(named);
    return this.#refs;
  }
}
