/**
 * The statechart of a machine as plain data: which events lead where from which state. Whoever has no agent
 * code reads it to say what may come next.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { statesOf } from './machine-index.ts';

/** One way out of a state, or one that stays in it. */
export interface ChartTransition {
  readonly event: string;
  /** Paths of states, their keys joined by dots; empty where the state stays. */
  readonly targets: readonly string[];
  /** Whether a guard decides. */
  readonly isGuarded: boolean;
}

/** By the path of the state that has them; the root's is empty. States without any are left out. */
export type StateChart = Readonly<Record<string, readonly ChartTransition[]>>;

/** Reads a machine. Transitions that need no event are none that anybody could bring about. */
export function chartOf(machine: AnyStateMachine): StateChart {
  const entries = statesOf(machine).map((state) => [state.path.join('.'), transitionsOf(state)] as const);
  return Object.fromEntries(entries.filter(([, transitions]) => transitions.length > 0));
}

function transitionsOf(state: AnyStateNode): ChartTransition[] {
  return [...state.transitions.values()].flat().map(({ eventType, target = [], guard }) => ({
    event: eventType,
    targets: pathsOf(target),
    isGuarded: guard !== undefined,
  }));
}

/** A state as a drawing needs it. */
export interface ChartNode {
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Path of the state in which a compound one begins. */
  readonly initial?: string;
  /** Transitions that need no event. */
  readonly always?: ReadonlyArray<Omit<ChartTransition, 'event'>>;
}

/** All states of a machine by their paths, in the order in which they are written; the root's is empty. */
export function chartNodesOf(machine: AnyStateMachine): Readonly<Record<string, ChartNode>> {
  return Object.fromEntries(statesOf(machine).map((state) => [state.path.join('.'), chartNodeOf(state)]));
}

function chartNodeOf({ type, initial, always = [] }: AnyStateNode): ChartNode {
  const begins = type === 'compound' ? initial.target[0]?.path.join('.') : undefined;
  const unasked = always.map(({ target = [], guard }) => ({
    targets: pathsOf(target),
    isGuarded: guard !== undefined,
  }));
  return {
    kind: type,
    ...(begins !== undefined && { initial: begins }),
    ...(unasked.length > 0 && { always: unasked }),
  };
}

function pathsOf(targets: readonly AnyStateNode[]): string[] {
  return targets.map(({ path }) => path.join('.'));
}
