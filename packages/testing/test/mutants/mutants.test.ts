import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { hunt } from '../../src/mutants/hunt.ts';
import { mutants } from '../../src/mutants/mutant-list.ts';
import { renderMutants, rulesWithoutMutant } from '../../src/mutants/mutant-table.ts';

const table = fileURLToPath(new URL('../../MUTANTS.md', import.meta.url));
const packages = fileURLToPath(new URL('../../../', import.meta.url));
/** A quick mutant is seen within so many seeds. */
const FEW_SEEDS = 20;

test('MUTANTS.md lists the mutants', async () => {
  const rendered = renderMutants(mutants);
  if (process.env['UPDATE'] !== undefined) await writeFile(table, rendered);
  expect(await readFile(table, 'utf8')).toBe(rendered);
});

test('every rule has a mutant', () => {
  expect(rulesWithoutMutant(mutants)).toEqual([]);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

test.each(mutants)('$rule: the source still has the promise that is taken out: $name', async ({ edits }) => {
  for (const { file, find } of edits) {
    const source = await readFile(packages + file, 'utf8');
    expect([find, source.split(find).length - 1]).toEqual([find, 1]);
  }
});

test.each(mutants.filter(({ quick }) => quick === true))(
  '$rule: $name is seen',
  { timeout: 120_000 },
  async (mutant) => {
    const { problem, seeds } = await hunt(mutant, FEW_SEEDS);
    expect(problem).toBeUndefined();
    expect(seeds).toBeLessThanOrEqual(FEW_SEEDS);
  },
);

test('a mutant that changes nothing survives, and one that cannot be applied is a problem', async () => {
  const [one] = mutants;
  if (one === undefined) throw new Error('there are no mutants');
  expect((await hunt({ ...one, name: 'no such mutant' }, 1)).problem).toContain('There is no mutant "no such mutant"');
  expect((await hunt(one, 0)).problem).toBe('it survived');
});
