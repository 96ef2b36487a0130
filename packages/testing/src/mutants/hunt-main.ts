/**
 * A process of its own for one mutant: applies it, and runs seeds until a check says what it should.
 *
 * Prints one line of JSON. Nothing that a mutant may change is loaded before it is applied.
 */
import { MOST_SEEDS } from './mutant.ts';
import { mutants } from './mutant-list.ts';
import { mutate } from './mutate.ts';

const [name, mostSeeds = String(MOST_SEEDS), onlySeed] = process.argv.slice(2);
const mutant = mutants.find((candidate) => candidate.name === name);
if (mutant === undefined) throw new Error(`There is no mutant "${name}"`);
// With a seed given, the sources stay sound: that run must not show what the mutant does.
if (onlySeed === undefined) mutate(mutant.edits);

const { violationsOf } = await import('./violations-of.ts');
let found: { seed: number; seen: string } | undefined;
const [first, last] = onlySeed === undefined ? [1, Number(mostSeeds)] : [Number(onlySeed), Number(onlySeed)];
for (let seed = first; found === undefined && seed <= last; seed += 1) {
  const violations = await violationsOf({ ...mutant.run, seed });
  const seen = violations.find((violation) => violation.includes(mutant.shows));
  if (seen !== undefined) found = { seed, seen };
}
process.stdout.write(`${JSON.stringify(found ?? {})}\n`);
process.exit(0);
