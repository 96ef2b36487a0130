/** The times of a chain: where each step stands on a scale on which long sleeps are folded, and which path took longest. Pure. */
import type { ChainStep } from '@wakebus/client';

/** A step, and how deep it stands. */
export interface PlacedStep {
  readonly step: ChainStep;
  readonly depth: number;
}

/** All steps, each under the one that caused it. */
export function stepsOf(step: ChainStep, depth: number = 0): PlacedStep[] {
  return [{ step, depth }, ...step.caused.flatMap((next) => stepsOf(next, depth + 1))];
}

/** A scale of time from 0 to 1. */
export interface TimeScale {
  readonly fromMs: number;
  /** From the first step to the last, sleeps and all. */
  readonly tookMs: number;
  /** Lengths of the sleeps that are folded, in milliseconds. */
  readonly folded: readonly number[];
  /** Where a time stands. */
  at(ms: number): number;
  /** How wide a length of time is. */
  widthOf(ms: number): number;
}

/** A pause is a sleep, and folded, when it is so many times as long as all shorter ones together … */
const FOLD = 10;
/** … and has so many milliseconds. */
const SHORTEST_SLEEP_MS = 1_000;
/** What is left of it, as a share of the rest. */
const FOLDED_SHARE = 0.12;

export function scaleOf(steps: readonly ChainStep[]): TimeScale {
  const times = [...new Set(steps.map(({ commit }) => commit.atMs))].toSorted((a, b) => a - b);
  const [fromMs = 0] = times;
  const lastMs = times.at(-1) ?? fromMs;
  const lastTookMs = Math.max(...steps.map(({ commit }) => (commit.atMs === lastMs ? (commit.cost?.turnMs ?? 0) : 0)));
  const gaps = times.slice(1).map((ms, at) => ms - (times[at] ?? ms));
  const { shown, folded } = fold(gaps);
  const places = new Map([[fromMs, 0]]);
  for (const [at, gap] of shown.entries()) places.set(times[at + 1] ?? 0, (places.get(times[at] ?? 0) ?? 0) + gap);
  const whole = Math.max(1, shown.reduce((sum, gap) => sum + gap, 0) + lastTookMs);
  return {
    fromMs,
    tookMs: lastMs - fromMs,
    folded,
    at: (ms) => (places.get(ms) ?? 0) / whole,
    widthOf: (ms) => ms / whole,
  };
}

/** Pauses from the shortest on, until one is out of all proportion: that one and all longer ones are folded. */
function fold(gaps: readonly number[]): { readonly shown: readonly number[]; readonly folded: readonly number[] } {
  let sum = 0;
  let shortest = Infinity;
  for (const gap of gaps.toSorted((a, b) => a - b)) {
    if (gap >= SHORTEST_SLEEP_MS && gap > FOLD * sum) {
      shortest = gap;
      break;
    }
    sum += gap;
  }
  const shown = gaps.map((gap) => (gap >= shortest ? Math.max(1, sum * FOLDED_SHARE) : gap));
  return { shown, folded: gaps.filter((gap) => gap >= shortest) };
}

/** The steps from the beginning to the one that ended last. */
export function criticalPath(root: ChainStep): ReadonlySet<ChainStep> {
  return new Set(latestPath(root));
}

function latestPath(step: ChainStep): ChainStep[] {
  const paths = step.caused.map(latestPath);
  const [latest] = paths.toSorted((a, b) => endOf(b) - endOf(a));
  return latest === undefined ? [step] : [step, ...latest];
}

function endOf(path: readonly ChainStep[]): number {
  return path.at(-1)?.commit.atMs ?? 0;
}
