/**
 * `npm run chaos -- --faults N --json FILE [--seed S] [--only KIND] [--clusters N] [--workers N] [--break keys]`: faults on real processes.
 *
 * Ends with 1 when a promise was broken or the run proves nothing.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Campaign, type CampaignOptions, type CampaignResult } from './chaos/campaign.ts';
import { allFaults } from './chaos/catalog.ts';
import { campaignRows, faultLine, hasPassed, renderRows, violationsOf } from './chaos/report.ts';

const HELP = `Breaks a cluster of real processes while it is in use, and checks what it had promised.

  --faults <n>    faults that shall meet their target (default 40)
  --seed <s>      decides kinds, moments and traffic, as far as real processes let it (default 1)
  --only <text>   only kinds that have this in their name; ones that take minutes come with 100 faults or by name
  --clusters <n>  clusters struck side by side, with the seeds from S on (default 1): most of a fault is waiting
  --workers <n>   workers of each of a cluster's three clients (default 9): with fewer, a machine has room for more clusters
  --json <file>   the figures, one JSON object a line
  --break keys    the till of the effects honours no key: the run must see it, and end with 1`;

/** With fewer faults than this, those that take minutes are left out unless they are asked for. */
const LONG_FROM = 100;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const options = {
    faults: text,
    seed: text,
    only: text,
    clusters: text,
    workers: text,
    json: text,
    break: text,
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args, options });
  const [wanted, seed] = [Number(values.faults ?? 40), Number(values.seed ?? 1)];
  const [clusters, workers] = [Number(values.clusters ?? 1), Number(values.workers ?? 9)];
  const named = allFaults.filter(({ kind }) => kind.includes(values.only ?? ''));
  const isWrong = values.break !== undefined && values.break !== 'keys';
  const areCounts = [wanted, clusters, workers].every((count) => Number.isInteger(count) && count > 0);
  if (values.help === true || isWrong || named.length === 0 || !areCounts || !Number.isInteger(seed)) {
    console.log(`${HELP}\n\nKinds: ${allFaults.map(({ kind }) => kind).join(' · ')}`);
    return values.help === true ? 0 : 2;
  }
  const kinds = named.filter(({ whyNot, kind, once }) => {
    const why = whyNot?.();
    if (why !== undefined) console.log(`LEFT OUT: ${kind}: ${why}`);
    return why === undefined && (once !== true || values.only !== undefined || wanted >= LONG_FROM);
  });
  const honoursKeys = values.break === undefined;
  const results = await Promise.all(
    Array.from({ length: clusters }, (_, i) =>
      run({ faults: Math.ceil(wanted / clusters), seed: seed + i, kinds, workers, honoursKeys }, clusters > 1),
    ),
  );
  const result = { faults: results.flatMap(({ faults }) => faults), parts: results.flatMap(({ parts }) => parts) };
  const rows = campaignRows(result, wanted);
  console.log(`\n${renderRows(rows)}`);
  if (values.json !== undefined) await writeFile(values.json, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  const violations = violationsOf(result);
  if (violations.length > 0) console.log(`\n${violations.length} promises broken`);
  return hasPassed(rows) ? 0 : 1;
}

/** One cluster, whose lines begin with its seed where there are others beside it. */
function run(options: CampaignOptions, isOneOfMany: boolean): Promise<CampaignResult> {
  const say = (line: string): void => console.log(isOneOfMany ? `${options.seed}: ${line}` : line);
  return Campaign.run({
    ...options,
    onFault: (fault) => say(faultLine(fault)),
    onPart: ({ operations, acknowledged, turns, missed, purchases, violations }) => {
      say(
        `      at rest: ${operations} operations, ${acknowledged} acknowledged, ${turns} turns, ${missed} writes unseen`,
      );
      const { keyed, spared, unkeyed, maybe } = purchases;
      say(`      effects: ${keyed} with a key, ${spared} spared by it, ${unkeyed} without, ${maybe} told as maybe`);
      for (const violation of violations.slice(0, 20)) say(`      ✗ ${violation}`);
    },
  });
}
