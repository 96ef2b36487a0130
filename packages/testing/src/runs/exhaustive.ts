/**
 * Every await of a placement node, one after the other: a small run without any other fault is repeated once
 * for each step in which the node moved, and the node is struck right after that step.
 */
import type { Simulation } from '../simulation/simulation.ts';
import { type Part, WHOLE, takePart } from './part.ts';
import type { RunReport } from './run-report.ts';
import { type RunSettings, runSettings } from './run-settings.ts';

/** What befalls the node at the point. */
export type Blow = 'crash' | 'pause';

/** One point: the step before which the node is struck. */
interface Point {
  readonly node: string;
  readonly step: number;
}

export interface ExhaustiveResult {
  readonly blow: Blow;
  /** Points that were tried. */
  readonly points: number;
  /** What was wrong, with the point. */
  readonly violations: readonly string[];
}

/** A crashed node is back after so long, in milliseconds: before its lease has run out. */
const BACK_AFTER_MS = 500;
/** A paused one goes on after so long, in milliseconds: its lease is gone, and its agents are elsewhere. */
const RESUMED_AFTER_MS = 12_000;

/** A run so small that each of its steps can be tried. */
export const SMALL_RUN: RunSettings = {
  workload: 'ledger',
  seed: 1,
  nodes: 2,
  clients: 1,
  operations: 12,
  spreadMs: 3_000,
  partitions: 1,
  faults: {},
};

/**
 * Strikes a node at each of its awaits.
 *
 * @param part - Of all points. @default the whole
 * @param onPoint - Called after each run.
 */
export async function runExhaustively(
  blow: Blow,
  part: Part = WHOLE,
  onPoint: (report: RunReport) => void = () => {},
): Promise<ExhaustiveResult> {
  const points = takePart(await findPoints(), part);
  const violations: string[] = [];
  for (const point of points) {
    const report = await runSettings(SMALL_RUN, (simulation) => strikeAt(simulation, point, blow));
    violations.push(...report.violations.map((violation) => `${blow} of ${point.node} at ${point.step}: ${violation}`));
    onPoint(report);
  }
  return { blow, points: points.length, violations };
}

/** Each step of a placement node, and the one after it. */
async function findPoints(): Promise<Point[]> {
  const points: Point[] = [];
  await runSettings(SMALL_RUN, (simulation) => {
    const { scheduler } = simulation;
    const look = scheduler.onStep;
    scheduler.onStep = () => {
      const name = scheduler.running?.name ?? '';
      if (/^n\d/.test(name)) points.push({ node: name, step: scheduler.steps });
      look?.();
    };
  });
  return points;
}

function strikeAt(simulation: Simulation, { node: name, step }: Point, blow: Blow): void {
  simulation.atStep(step, () => {
    const node = simulation.node(name);
    if (blow === 'crash') node.crash();
    else node.pause();
    simulation.at(simulation.nowMs + (blow === 'crash' ? BACK_AFTER_MS : RESUMED_AFTER_MS), () => {
      node.restart();
      node.resume();
    });
  });
}
