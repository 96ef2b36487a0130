/**
 * `npm run sim`: runs workloads over many seeds, checks what placement nodes promise, and says what it saw.
 *
 * Ends with 1 when any promise was broken, or when no run counts.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { compareWithServers } from './conformance/compare-with-servers.ts';
import { huntAll } from './mutants/hunt-all.ts';
import { exhaustAll } from './runs/exhaust-all.ts';
import { narrate } from './runs/narrate.ts';
import { WHOLE, parsePart } from './runs/part.ts';
import type { RunReport } from './runs/run-report.ts';
import { type RunSettings, makeWorkload, runSettings } from './runs/run-settings.ts';
import { type FigureRow, RunTotals } from './runs/run-totals.ts';
import { shrink } from './runs/shrink.ts';
import { type FaultRates, ROUGH } from './simulation/faults.ts';
import { workloads } from './workloads/catalogue.ts';

const HELP = `Runs placement nodes in the simulator and checks what they promise.

  --seeds <n>             how many seeds of each workload, one simulation each (default 100); <from>-<to> for a range
  --from <seed>           the first of them (default 1)
  --workload <name>       one of ${Object.keys(workloads).join(', ')} (default: all)
  --json <file>           writes the figures, one row a line
  --without <faults>      faults to leave out, by name, separated by commas; "all" for none at all
  --nodes <n>             placement nodes (default 3)
  --operations <n>        operations that the clients send in each simulation (default 200)
  --exhaustive            instead: strikes a placement node at each of its awaits, in a small run
  --mutants               instead: takes promises out of the runtime, and expects that to be seen
  --part <i>/<n>          of these two only the i-th of n parts

Or holds the simulator's model to real servers, by random traces of operations that run on both:

  --against-server <n>    traces on one server, as many on three, and a tenth of that with restarts
  --from <seed>           the first trace's (default 1)
  --json <file>           writes a row for each trace, one JSON object a line`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    seeds: text,
    from: text,
    workload: text,
    json: text,
    without: text,
    nodes: text,
    operations: text,
    'against-server': text,
    part: text,
    exhaustive: flag,
    mutants: flag,
    help: flag,
  } as const;
  const { values } = parseArgs({ args, options });
  const [from, to] = seedsOf(values.seeds, values.from);
  const part = values.part === undefined ? WHOLE : parsePart(values.part);
  if (values.help === true || !(from <= to) || part === undefined) {
    console.log(HELP);
    return values.help === true ? 0 : 2;
  }
  const { 'against-server': count, json } = values;
  if (count !== undefined) return compareWithServers({ count: Number(count), firstSeed: from, json });
  if (values.mutants === true) return finish(await huntAll(part), json);
  if (values.exhaustive === true) return finish(await exhaustAll(part), json);
  const names = values.workload === undefined ? Object.keys(workloads) : [values.workload];
  for (const name of names) makeWorkload(name);
  const totals = new RunTotals();
  let failing: RunReport | undefined;
  for (const workload of names) {
    for (let seed = from; seed <= to; seed += 1) {
      const report = await runSettings({ ...settingsOf(values), workload, seed });
      totals.add(report);
      describe(report);
      if (report.violations.length > 0) failing ??= report;
    }
  }
  const status = await finish(totals.rows(), values.json);
  if (failing !== undefined) await explain(failing);
  return totals.passed === 0 ? 1 : status;
}

/** The first failure, made as small as it gets. */
async function explain(failing: RunReport): Promise<void> {
  const smallest = await shrink(failing);
  console.log(`\nThe smallest run that shows it, for packages/testing/test/regressions.json:\n${narrate(smallest)}`);
}

/** `--seeds 100`, `--seeds 100 --from 51` or `--seeds 51-150`. */
function seedsOf(seeds = '100', from = '1'): [from: number, to: number] {
  const [first = 0, last] = seeds.split('-').map(Number);
  return last === undefined ? [Number(from), Number(from) + first - 1] : [first, last];
}

function settingsOf({
  without,
  nodes = '3',
  operations = '200',
}: Partial<Record<'without' | 'nodes' | 'operations', string>>): Omit<RunSettings, 'workload' | 'seed'> {
  return { faults: ratesWithout(without), nodes: Number(nodes), operations: Number(operations) };
}

function ratesWithout(names: string | undefined): FaultRates {
  if (names === 'all') return {};
  const left = Object.entries(ROUGH).filter(([fault]) => !(names ?? '').split(',').includes(fault));
  return Object.fromEntries(left);
}

function describe({ settings, violations, shortcomings }: RunReport): void {
  for (const violation of violations) console.log(violation);
  if (violations.length === 0 && shortcomings.length > 0)
    console.log(`${settings.workload}, seed ${settings.seed}, did not count: ${shortcomings.join('; ')}`);
}

async function finish(rows: readonly FigureRow[], json: string | undefined): Promise<number> {
  console.log(rows.map(lineOf).join('\n'));
  if (json !== undefined) await writeFile(json, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  // How fast this machine is today breaks no promise.
  return rows.some(({ met, unit }) => met === false && unit !== 'steps/s') ? 1 : 0;
}

function lineOf({ name, value, unit, target, met }: FigureRow): string {
  const mark = met === undefined ? ' ' : met ? '✓' : '✗';
  return `${mark} ${name.padEnd(34)} ${value.toLocaleString('en')} ${unit}${target === undefined ? '' : `  (${target})`}`;
}
