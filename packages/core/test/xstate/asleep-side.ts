/** A behaviour in an agent that goes through bytes before every step, and whose time is moved by hand. */
import type { JournalEntry } from '@wakebus/protocol';
import { type AgentSnapshot, type AnyAgentDefinition, type Inbound, defineAgent, openEffects } from '../../src/mod.ts';
import { Scene } from '../turn/scene.ts';
import {
  type Behaviour,
  type Happening,
  type Seen,
  type Side,
  type SnapshotLike,
  idleTask,
  look,
} from './behaviour.ts';

export function agentOf({ machine }: Behaviour, log: (word: string) => void): AnyAgentDefinition {
  return defineAgent({ type: 'notebook', machine: machine({ log, task: idleTask() }) } as never);
}

export class AsleepSide implements Side {
  readonly scene: Scene;
  readonly #log: string[] = [];
  /** Attempts as they were started: a result may come late. */
  readonly #started: JournalEntry[] = [];

  constructor(behaviour: Behaviour) {
    this.scene = new Scene(agentOf(behaviour, (word) => void this.#log.push(word)));
    // An agent is born by its first event; what no machine knows takes nothing with it.
    this.#take(this.scene.event('wakebus-test-birth'));
  }

  get seen(): Seen {
    const snapshot = this.scene.memory.snapshot as AgentSnapshot;
    // References hold no state: what they stand for is in the family.
    const read = ({ sessionId }: { sessionId: string }): SnapshotLike | undefined =>
      snapshot.family?.actors.get(Number(sessionId.slice(2)))?.snapshot;
    return look(snapshot as SnapshotLike, read, this.#log);
  }

  take(happening: Happening): Promise<void> {
    if (typeof happening === 'number') this.#wait(happening);
    else if ('done' in happening) this.#end(happening.done as string, { outcome: 'done', output: happening['output'] });
    else if ('failed' in happening)
      this.#end(happening.failed as string, { outcome: 'failed', error: new Error(happening['error'] as string) });
    else {
      const { type, ...fields } = happening as { type: string };
      this.#take(this.scene.event(type, fields));
    }
    return Promise.resolve();
  }

  #take(inbound: Inbound): void {
    this.scene.rehydrate();
    const { actions, failure } = this.scene.take([inbound]);
    if (failure !== undefined) throw failure.error;
    for (const action of actions) action();
    this.scene.rehydrate();
    this.#started.push(...this.scene.startEffects());
    this.#checkOwners();
  }

  /** Nothing may be left of an actor that is gone: it would come for nobody, and fill the record. */
  #checkOwners(): void {
    const { memory, record } = this.scene;
    const names = [...(memory.snapshot?.family?.actors.values() ?? [])].map(({ id, session }) => `${id}:${session}`);
    const owned = [...record.timers, ...openEffects(record.journal)];
    const left = owned.filter(({ actor }) => actor !== undefined && !names.includes(actor));
    if (left.length > 0) throw new Error(`left of actors that are gone: ${JSON.stringify(left)}`);
  }

  #wait(ms: number): void {
    const untilMs = this.scene.nowMs + ms;
    while (this.scene.record.lifecycle.name !== 'completed') {
      const [next] = this.scene.record.timers.toSorted((a, b) => a.dueMs - b.dueMs || a.generation - b.generation);
      if (next === undefined || next.dueMs > untilMs) break;
      this.scene.nowMs = next.dueMs;
      this.#take(this.scene.fire(next.id, next.generation, next.dueMs));
    }
    this.scene.nowMs = untilMs;
  }

  #end(id: string, how: { outcome: 'done' | 'failed'; output?: unknown; error?: unknown }): void {
    const at = this.#started.findIndex((entry) => entry.id === id);
    const [entry] = at < 0 ? [] : this.#started.splice(at, 1);
    if (entry !== undefined)
      this.#take(this.scene.result({ id, generation: entry.generation, attempt: entry.attempt, ...how }));
  }
}
