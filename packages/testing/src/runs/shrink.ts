/**
 * Makes a failing run smaller while it shows the same: fewer kinds of faults, fewer operations, nodes and clients.
 *
 * A smaller run takes other steps, so each try is given a few seeds.
 */
import { type FaultRates, ROUGH } from '../simulation/faults.ts';
import type { RunReport } from './run-report.ts';
import { type RunSettings, runSettings } from './run-settings.ts';

/** Runs the settings of a try. */
type Run = (settings: RunSettings) => Promise<RunReport>;

/** Seeds that a try is given. */
const SEEDS_A_TRY = 3;
/** Runs in all: some ten seconds. */
const MOST_RUNS = 100;

/**
 * Shrinks a failing run.
 *
 * @returns the smallest run found that shows the same violation, values and names aside.
 */
export async function shrink(failing: RunReport, run: Run = runSettings): Promise<RunReport> {
  const kinds = new Set(failing.violations.map(kindOf));
  let smallest = failing;
  let runs = 0;
  const tryOne = async (change: Partial<RunSettings>): Promise<boolean> => {
    for (let i = 0; i < SEEDS_A_TRY && runs < MOST_RUNS; i += 1) {
      runs += 1;
      const report = await run({ ...smallest.settings, ...change, seed: smallest.settings.seed + i });
      if (!report.violations.some((violation) => kinds.has(kindOf(violation)))) continue;
      smallest = report;
      return true;
    }
    return false;
  };
  for (const change of simplerFaults(smallest.settings.faults)) await tryOne(change(smallest.settings));
  for (const name of ['operations', 'nodes', 'clients'] as const) {
    let now = smallest.settings[name] ?? DEFAULTS[name];
    for (let less = Math.floor(now / 2); less >= 1 && (await tryOne({ [name]: less })); less = Math.floor(now / 2))
      now = less;
  }
  return smallest;
}

const DEFAULTS = { operations: 200, nodes: 3, clients: 2 } as const;

/** First without any fault, then without each one. */
function simplerFaults(faults: FaultRates = ROUGH): Array<(settings: RunSettings) => Partial<RunSettings>> {
  return [
    () => ({ faults: {} }),
    ...Object.keys(faults).map((name) => (settings: RunSettings) => ({ faults: without(settings.faults, name) })),
  ];
}

function without(faults: FaultRates = ROUGH, name: string): FaultRates {
  return Object.fromEntries(Object.entries(faults).filter(([fault]) => fault !== name));
}

/** A violation without the values, agents and numbers in it. */
function kindOf(violation: string): string {
  return violation.replace(/^.*?, seed \d+: /, '').replaceAll(/\S*\d\S*/g, '#');
}
