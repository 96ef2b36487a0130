/**
 * `npm run sim`: runs workloads over many seeds and prints what was wrong, each with its seed.
 *
 * Ends with 1 when any promise was broken.
 */
import { parseArgs } from 'node:util';
import { Layout } from '@wakebus/protocol';
import { type FaultRates, ROUGH } from './simulation/faults.ts';
import { bank } from './workloads/bank.ts';
import { ledger } from './workloads/ledger.ts';
import { runWorkload } from './workloads/run-workload.ts';
import type { Workload } from './workloads/workload.ts';

const HELP = `Runs placement nodes in the simulator and checks what they promise.

  --seeds <from>-<to>     which seeds to run, one simulation each (default 1-100)
  --workload <name>       ledger or bank (default: both)
  --without <faults>      faults to leave out, by name, separated by commas; "all" for none at all
  --nodes <n>             placement nodes (default 3)
  --operations <n>        operations that the clients send in each simulation (default 200)`;

const workloads: ReadonlyArray<() => Workload> = [ledger, bank];

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const options = {
    seeds: text,
    workload: text,
    without: text,
    nodes: text,
    operations: text,
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args, options });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  const [from = 1, to = from] = (values.seeds ?? '1-100').split('-').map(Number);
  const chosen = workloads.filter((make) => values.workload === undefined || make().name === values.workload);
  if (chosen.length === 0 || !(from <= to)) {
    console.error(HELP);
    return 2;
  }
  const settings = {
    faults: ratesWithout(values.without),
    nodes: Number(values.nodes ?? 3),
    operations: Number(values.operations ?? 200),
  };
  return report(await runSeeds(chosen, from, to, settings));
}

interface Settings {
  readonly faults: FaultRates;
  readonly nodes: number;
  readonly operations: number;
}

interface Totals {
  readonly runs: number;
  readonly broken: number;
  readonly steps: number;
  readonly seconds: number;
}

async function runSeeds(
  chosen: ReadonlyArray<() => Workload>,
  from: number,
  to: number,
  settings: Settings,
): Promise<Totals> {
  const startedMs = performance.now();
  let [runs, broken, steps] = [0, 0, 0];
  for (const make of chosen) {
    for (let seed = from; seed <= to; seed += 1) {
      const outcome = await runSeed(make(), seed, settings);
      runs += 1;
      steps += outcome.steps;
      if (outcome.violations.length > 0) broken += 1;
      for (const violation of outcome.violations) console.log(violation);
    }
  }
  return { runs, broken, steps, seconds: (performance.now() - startedMs) / 1000 };
}

async function runSeed(
  workload: Workload,
  seed: number,
  settings: Settings,
): Promise<{ violations: readonly string[]; steps: number }> {
  try {
    return await runWorkload({ ...settings, seed, layout: new Layout({ partitions: 4 }), workload });
  } catch (error) {
    return { violations: [`${workload.name}, seed ${seed}: ${String(error)}`], steps: 0 };
  }
}

function ratesWithout(names: string | undefined): FaultRates {
  if (names === 'all') return {};
  const left = Object.entries(ROUGH).filter(([fault]) => !(names ?? '').split(',').includes(fault));
  return Object.fromEntries(left);
}

function report({ runs, broken, steps, seconds }: Totals): number {
  console.log(
    `${runs} simulations, ${broken} with broken promises; ${steps.toLocaleString('en')} steps in ${seconds.toFixed(1)} s, ${Math.round(steps / seconds).toLocaleString('en')} a second`,
  );
  return broken > 0 ? 1 : 0;
}
