/** `npm run sim -- --exhaustive`: a crash and a pause at every await of a placement node. */
import { type FigureRow, mostRow } from './run-totals.ts';
import type { Part } from './part.ts';
import { type Blow, runExhaustively } from './exhaustive.ts';

export async function exhaustAll(part: Part): Promise<FigureRow[]> {
  const rows: FigureRow[] = [];
  for (const blow of ['crash', 'pause'] satisfies Blow[]) {
    const { points, violations } = await runExhaustively(blow, part);
    for (const violation of violations) console.log(violation);
    rows.push({ name: `awaits struck by a ${blow}`, value: points, unit: 'points' });
    rows.push(mostRow(`promises broken by a ${blow}`, violations.length, 'promises', 0));
  }
  return rows;
}
