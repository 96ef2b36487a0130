/**
 * Which promise a violation breaks: the report counts them by it. The sentences are the checkers' own.
 */
import type { Violation } from '../checker/run-history.ts';

/**
 * `effects doubled`: an effect happened twice, or its end was told twice. `effects untold`: one happened, and its
 * agent was told nothing, or something else. `other`: the run did not come to rest, a quarantine is missing, and the like.
 */
export const broken = ['lost', 'doubled', 'out of order', 'effects doubled', 'effects untold', 'other'] as const;

type Broken = (typeof broken)[number];

const sentences: ReadonlyArray<readonly [Broken, RegExp]> = [
  ['effects doubled', /was entered \d+ times$|was told of twice$/],
  ['effects untold', /was never told of$|is not in the till$|is in the till after all$/],
  ['doubled', /processed twice|written more than once/],
  ['lost', /is missing$|messages were sent and \d+ arrived$|is not in the dead letters$|chains were sent/],
  ['out of order', /was processed before what|came where \d+ was due$|and later does not$|falls from|claims without/],
];

export function classify(violation: Violation): Broken {
  const total = /^The total of .* is (-?\d+), and was (-?\d+)$/.exec(violation);
  if (total !== null) return Number(total[1]) < Number(total[2]) ? 'lost' : 'doubled';
  return sentences.find(([, pattern]) => pattern.test(violation))?.[0] ?? 'other';
}
