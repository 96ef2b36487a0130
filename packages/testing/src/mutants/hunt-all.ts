/**
 * `npm run sim -- --mutants`: hunts all mutants, and says who survived.
 */
import { type Part, takePart } from '../runs/part.ts';
import { type FigureRow, mostRow } from '../runs/run-totals.ts';
import { hunt, showsWithout } from './hunt.ts';
import { mutants } from './mutant-list.ts';

/** @returns the figures: survivors, and the seeds that the slowest took. */
export async function huntAll(part: Part): Promise<FigureRow[]> {
  let [problems, slowest] = [0, 0];
  const hunted = takePart(mutants, part);
  for (const mutant of hunted) {
    const result = await hunt(mutant);
    const { seeds, seen } = result;
    const isIdle = seeds !== undefined && (await showsWithout(result));
    const problem = isIdle ? `seed ${seeds} shows it without the mutant, too` : result.problem;
    console.log(
      `${problem === undefined ? '✓' : '✗'} ${mutant.rule} ${mutant.name}: ${problem ?? `${seeds} seeds: ${seen}`}`,
    );
    if (problem !== undefined) problems += 1;
    slowest = Math.max(slowest, seeds ?? 0);
  }
  return [
    { name: 'mutants', value: hunted.length, unit: 'mutants' },
    mostRow('mutants not seen as said', problems, 'mutants', 0),
    { name: 'seeds until the last mutant was seen', value: slowest, unit: 'seeds' },
  ];
}
