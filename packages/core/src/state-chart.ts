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
    targets: target.map(({ path }) => path.join('.')),
    isGuarded: guard !== undefined,
  }));
}
