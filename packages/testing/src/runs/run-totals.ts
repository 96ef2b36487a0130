/**
 * Many runs, summed up: what `npm run sim` prints and writes.
 */
import type { RunReport } from './run-report.ts';

/** One figure, in the form in which benchmarks write theirs. */
export interface FigureRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the figure is measured against, where it is a ratio. */
  readonly floor?: number;
  readonly ratio?: number;
  readonly target?: string;
  readonly met?: boolean;
}

/** What one core must do in a second, in scheduler steps: below that, too few interleavings are looked at. */
const LEAST_STEPS_A_SECOND = 100_000;

export class RunTotals {
  readonly #startedMs = performance.now();
  readonly #startedCpu = process.cpuUsage();
  #runs = 0;
  #broken = 0;
  #uncounted = 0;
  #steps = 0;
  #turns = 0;
  #strikes = 0;

  add({ violations, shortcomings, steps, turns, strikes }: RunReport): void {
    this.#runs += 1;
    this.#steps += steps;
    this.#turns += turns;
    this.#strikes += strikes;
    if (violations.length > 0) this.#broken += 1;
    else if (shortcomings.length > 0) this.#uncounted += 1;
  }

  get broken(): number {
    return this.#broken;
  }

  /** Runs that count and broke no promise. */
  get passed(): number {
    return this.#runs - this.#broken - this.#uncounted;
  }

  /** The figures. Speed is that of one core: processor time, not the time on the wall. */
  rows(): FigureRow[] {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const { user, system } = process.cpuUsage(this.#startedCpu);
    const stepsASecond = Math.round(this.#steps / Math.max(1e-6, (user + system) / 1_000_000));
    return [
      { name: 'sim runs passed', value: this.passed, unit: 'runs' },
      mostRow('sim runs with broken promises', this.#broken, 'runs', 0),
      { name: 'sim runs that did not count', value: this.#uncounted, unit: 'runs' },
      { name: 'sim runs a second', value: round(this.#runs / seconds), unit: 'runs/s' },
      leastRow('sim steps a second and core', stepsASecond, 'steps/s', LEAST_STEPS_A_SECOND),
      { name: 'sim steps', value: this.#steps, unit: 'steps' },
      { name: 'sim committed turns', value: this.#turns, unit: 'turns' },
      { name: 'sim faults that met their step', value: this.#strikes, unit: 'faults' },
    ];
  }
}

export function mostRow(name: string, value: number, unit: string, most: number): FigureRow {
  return { name, value, unit, target: `<= ${most} ${unit}`, met: value <= most };
}

function leastRow(name: string, value: number, unit: string, least: number): FigureRow {
  return { name, value, unit, target: `>= ${least} ${unit}`, met: value >= least };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
