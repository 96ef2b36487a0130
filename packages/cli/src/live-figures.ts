/** What agents are doing now, counted by type from what passes by: nothing is asked of them, and nothing is woken. */
import type { LivingNode, ObservedEvent, PastCommit, PendingType } from '@wakebus/client';
import { splitKey } from '@wakebus/protocol';
import { pendingByType } from './census.ts';
import { count, oneLine, since, table } from './human.ts';
import type { Session } from './session.ts';

/** The figures of one type, over one interval. */
export interface TypeFigures {
  readonly type: string;
  readonly awake: number;
  readonly wakes: number;
  readonly turns: number;
  readonly events: number;
  readonly sleeps: number;
  readonly waiting: number;
}

/** One look. */
export interface Look {
  readonly atMs: number;
  readonly intervalMs: number;
  readonly types: readonly TypeFigures[];
  readonly nodes: readonly LivingNode[];
}

interface Counts {
  wakes: number;
  turns: number;
  events: number;
  sleeps: number;
}

/** Counts what passes by until somebody looks. */
export class LiveFigures {
  readonly #counts = new Map<string, Counts>();
  /** Agents that were seen to wake, and not to sleep again, by type. */
  readonly #awake = new Map<string, Set<string>>();

  take(event: ObservedEvent): void {
    if (event.kind !== 'lifecycle') return;
    const { type } = splitKey(event.key);
    const awake = this.#awake.get(type) ?? new Set<string>();
    this.#awake.set(type, awake);
    if (event.name === 'asleep') {
      awake.delete(event.key);
      this.#of(type).sleeps += 1;
    } else if (event.name === 'awake') {
      awake.add(event.key);
      this.#of(type).wakes += 1;
    }
  }

  commit({ key, events }: PastCommit): void {
    const counts = this.#of(splitKey(key).type);
    counts.turns += 1;
    counts.events += events.length;
  }

  /** The figures since the last look, with what waits. */
  async look(session: Session, intervalMs: number): Promise<Look> {
    const [nodes, pending] = await Promise.all([session.client.nodes(), pendingByType(session)]);
    const types = new Set([
      ...this.#counts.keys(),
      ...pending.keys(),
      ...nodes.flatMap((node) => Object.keys(node.types)),
    ]);
    const figures = [...types].toSorted().map((type) => this.#figuresOf(type, pending.get(type)));
    this.#counts.clear();
    return { atMs: Date.now(), intervalMs, types: figures, nodes };
  }

  #figuresOf(type: string, pending: PendingType | undefined): TypeFigures {
    const { wakes, turns, events, sleeps } = this.#of(type);
    const awake = this.#awake.get(type)?.size ?? 0;
    return { type, awake, wakes, turns, events, sleeps, waiting: pending?.messages ?? 0 };
  }

  #of(type: string): Counts {
    const counts = this.#counts.get(type) ?? { wakes: 0, turns: 0, events: 0, sleeps: 0 };
    this.#counts.set(type, counts);
    return counts;
  }
}

/** A look as a screen. */
export function screenOf({ atMs, intervalMs, nodes, types }: Look): string {
  const rate = (n: number): string => count(Math.round((n * 10_000) / intervalMs) / 10);
  const rows = types.map((of) => [
    oneLine(of.type),
    count(of.awake),
    rate(of.wakes),
    rate(of.turns),
    rate(of.events),
    rate(of.sleeps),
    count(of.waiting),
  ]);
  const head = ['type', 'woken here', 'wakes/s', 'turns/s', 'events/s', 'sleeps/s', 'waiting'];
  const nodeRows = nodes.map(({ nodeId, pool, startedMs, state }) => [
    oneLine(nodeId),
    state,
    pool,
    since(startedMs, atMs),
  ]);
  return [
    new Date(atMs).toISOString().slice(11, 19),
    table(head, rows),
    '',
    nodes.length === 0
      ? 'no placement node is running: messages wait'
      : table(['node', 'state', 'pool', 'started'], nodeRows),
  ].join('\n');
}

/** A look on one line. */
export function lineOf({ atMs, nodes, types }: Look): string {
  const sum = (pick: (figures: TypeFigures) => number): string =>
    count(types.reduce((total, of) => total + pick(of), 0));
  return `${new Date(atMs).toISOString()}  ${nodes.length} nodes  ${sum((of) => of.wakes)} wakes  ${sum((of) => of.turns)} turns  ${sum((of) => of.events)} events  ${sum((of) => of.sleeps)} sleeps  ${sum((of) => of.waiting)} waiting`;
}
