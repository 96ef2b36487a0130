/**
 * `npm run soak -- --minutes N [--json FILE] [--svg FILE]`: what grows while nothing is broken.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { drawChart } from './chaos/chart.ts';
import { renderRows } from './chaos/report.ts';
import { soak, soakRows } from './chaos/soak.ts';

const HELP = `Runs traffic without faults and watches memory, handles, consumers and lag.

  --minutes <n>   how long (default 10; slopes of less than an hour say little about a day)
  --seed <s>      decides the traffic (default 1)
  --json <file>   the figures, one JSON object a line
  --svg <file>    the chart (default soak.svg)`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const options = { minutes: text, seed: text, json: text, svg: text, help: { type: 'boolean' } } as const;
  const { values } = parseArgs({ args, options });
  const [minutes, seed] = [Number(values.minutes ?? 10), Number(values.seed ?? 1)];
  if (values.help === true || !(minutes > 0) || !Number.isInteger(seed)) {
    console.log(HELP);
    return values.help === true ? 0 : 2;
  }
  const samples = await soak({ minutes, seed });
  const rows = soakRows(samples);
  console.log(renderRows(rows));
  const svg = values.svg ?? 'soak.svg';
  await writeFile(svg, drawChart(samples));
  console.log(`\nThe chart of ${samples.length} samples is ${svg}`);
  if (values.json !== undefined) await writeFile(values.json, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  return 0;
}
