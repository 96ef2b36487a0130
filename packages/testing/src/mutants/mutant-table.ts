/**
 * The table of mutants, as it stands in `MUTANTS.md`.
 */
import { MOST_SEEDS, type Mutant } from './mutant.ts';

const HEAD = `# Mutants

The runtime with one promise taken out of its sources, and what then shows it. A checker that does not see the
difference proves nothing. Each mutant is seen within ${MOST_SEEDS.toLocaleString('en')} seeds,
by \`npm run sim -- --mutants\`; those that are seen within a few are hunted by \`npm test\` too. \`UPDATE=1 npm test -- mutants\` writes this table.
`;

/** Rules that have no mutant. */
export function rulesWithoutMutant(mutants: readonly Mutant[]): string[] {
  const covered = new Set(mutants.map(({ rule }) => rule));
  return Array.from({ length: 17 }, (_, i) => `P${i + 1}`).filter((rule) => !covered.has(rule));
}

export function renderMutants(mutants: readonly Mutant[]): string {
  const rows = mutants
    .toSorted((a, b) => Number(a.rule.slice(1)) - Number(b.rule.slice(1)))
    .map(({ rule, name, edits, run, shows }) => [rule, name, filesOf(edits), run.workload, `… ${shows} …`]);
  const lines = [['rule', 'what is broken', 'where', 'seen in', 'seen as'], Array.from({ length: 5 }, () => '---')];
  return `${HEAD}\n${[...lines, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`;
}

function filesOf(edits: Mutant['edits']): string {
  return [...new Set(edits.map(({ file }) => `\`${file.replace('/src/', '/')}\``))].join(', ');
}
