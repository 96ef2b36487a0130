/**
 * `npm run sim -- --against-server <n>`: holds the model to real servers, one and three.
 *
 * Ends with 1 when a trace differed.
 */
import { writeFile } from 'node:fs/promises';
import { type ComparisonRow, compareMany } from './compare-many.ts';
import { showTrace } from './operation.ts';

export interface CompareSettings {
  /** Traces on each kind of server. */
  readonly count: number;
  readonly firstSeed: number;
  /** Where to write a row for each trace, one JSON object a line. */
  readonly json: string | undefined;
}

/** Of so many traces, one is run with restarts of the server: each costs a second or more. */
const TRACES_A_RESTART = 10;

/** Runs the comparison and prints what differed. @returns the exit code. */
export async function compareWithServers({ count, firstSeed, json }: CompareSettings): Promise<number> {
  const rows: ComparisonRow[] = [];
  const restarts = { replicas: 1, restarts: true, firstSeed, count: Math.ceil(count / TRACES_A_RESTART) } as const;
  for (const options of [{ replicas: 1, firstSeed, count }, { replicas: 3, firstSeed, count }, restarts] as const)
    rows.push(...(await compareMany({ ...options, onRow: printDifference })));
  if (json !== undefined) await writeFile(json, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  for (const group of Map.groupBy(rows, kindOf)) printTotals(...group);
  return rows.some(({ result }) => result === 'different') ? 1 : 0;
}

function kindOf({ replicas, restarts }: ComparisonRow): string {
  return `${replicas === 1 ? 'one server' : 'three servers'}${restarts ? ', with restarts' : ''}`;
}

function printDifference({ seed, result, trace, difference, ...row }: ComparisonRow): void {
  if (trace === undefined || difference === undefined) return;
  console.log(
    `${kindOf({ seed, result, ...row })}, seed ${seed}, ${result}: ${difference.what} after operation ${difference.at} of`,
  );
  console.log(showTrace(trace));
  console.log(`  server: ${difference.server}\n  model:  ${difference.model}`);
}

function printTotals(kind: string, rows: readonly ComparisonRow[]): void {
  const sum = (of: (row: ComparisonRow) => number): string =>
    rows.reduce((total, row) => total + of(row), 0).toLocaleString('en');
  const count = (wanted: ComparisonRow['result']): string => sum(({ result }) => (result === wanted ? 1 : 0));
  console.log(
    `${kind}: ${rows.length} traces, ${sum((row) => row.operations)} operations, ${count('different')} different, ` +
      `${count('unsteady')} unsteady, ${count('unclear')} unclear; ${sum((row) => row.stale)} stale reads, ` +
      `${sum((row) => row.inFlight)} writes in flight`,
  );
}
