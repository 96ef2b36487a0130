/**
 * Whether a run was right: the states against the plain fold, the summaries against the agents, and each fault and
 * repeat against what it should have met.
 */
import { type Delivery, addressOfDelivery } from './deliveries.ts';
import { digestOf } from './digest.ts';
import { type ChainLink, type Difference, type Evidence, chainOf, compare, countWakes } from './evidence.ts';
import { foldStates } from './fold.ts';
import type { Posted } from './github-api.ts';
import type { Outcome, Repeat } from './run.ts';
import { messageIdOf } from './webhook.ts';

/** Everything that the report shows. */
export interface Result {
  readonly deliveries: readonly Delivery[];
  /** Agents that deliveries went to. */
  readonly agents: ReadonlySet<string>;
  readonly outcome: Outcome;
  /** Summaries that agents have posted. */
  readonly posted: Posted;
  readonly evidence: Evidence;
  readonly wakes: number;
  readonly takeovers: number;
  readonly difference: Difference;
  readonly digest: string;
  readonly expectedDigest: string;
  readonly chain: ChainLink | undefined;
  /** What is wrong, a sentence each. A run without any was right. */
  readonly faults: readonly string[];
}

/** Judges a run. */
export function judge(deliveries: readonly Delivery[], outcome: Outcome, evidence: Evidence, posted: Posted): Result {
  const expected = foldStates(deliveries);
  const result = {
    deliveries,
    agents: new Set(deliveries.map(addressOfDelivery)),
    outcome,
    posted,
    evidence,
    ...countWakes(evidence.commits),
    difference: compare(expected, evidence.states),
    digest: digestOf(evidence.states),
    expectedDigest: digestOf(expected),
    chain: deepestChain(deliveries, evidence),
  };
  return { ...result, faults: faultsIn(result) };
}

/** The last delivery whose chain reaches furthest. */
function deepestChain(deliveries: readonly Delivery[], { commits }: Evidence): ChainLink | undefined {
  const last = deliveries.findLast(({ event }) => event === 'check_suite.completed');
  return last && chainOf(commits, ({ id }) => id === messageIdOf(last));
}

function faultsIn(result: Omit<Result, 'faults'>): readonly string[] {
  const { difference, digest, expectedDigest, outcome } = result;
  const { paused, waiting, complaints } = outcome;
  const { lost, doubled, wrong } = difference;
  return [
    lost > 0 && `${lost} events were lost.`,
    doubled > 0 && `${doubled} events were processed twice.`,
    digest !== expectedDigest &&
      `${wrong.length} agents differ from the plain fold, such as ${wrong.slice(0, 3).join(', ')}.`,
    ...faultsOfRepeats(outcome.repeats),
    ...faultsOfSummaries(result),
    paused === undefined && 'no placement node was paused inside a commit.',
    waiting.length > 0 && `messages were left in the inbox: ${waiting.slice(0, 3).join(', ')}.`,
    ...complaints.map((complaint) => `a placement node did not leave in order: ${complaint}`),
  ].filter((fault) => fault !== false);
}

function faultsOfRepeats(repeats: readonly Repeat[]): ReadonlyArray<string | false> {
  const count = (matches: (repeat: Repeat) => boolean): number => repeats.filter(matches).length;
  const taken = count(({ isPast, isDropped }) => !isPast && !isDropped);
  const stored = count(({ isPast, isLate, isDropped }) => isPast && !isLate && !isDropped);
  const known = count(({ isPast, isLate, isDropped }) => isPast && isLate && isDropped);
  return [
    taken > 0 && `the gateway took ${taken} repeats for new deliveries.`,
    stored > 0 && `the server took ${stored} repeats for new messages.`,
    known > 0 && `the server still knew ${known} repeats, so the records had nothing to show.`,
  ];
}

function faultsOfSummaries({ agents, posted }: Pick<Result, 'agents' | 'posted'>): ReadonlyArray<string | false> {
  const about = new Set(posted.posts);
  const missing = [...agents].filter((address) => !about.has(address));
  const others = [...about].filter((address) => !agents.has(address));
  return [
    missing.length > 0 && `${missing.length} agents have posted no summary, such as ${missing.slice(0, 3).join(', ')}.`,
    others.length > 0 && `a summary was posted of ${others.slice(0, 3).join(', ')}.`,
    posted.keys !== agents.size && `there were ${posted.keys} keys for ${agents.size} summaries.`,
    doubledSummaries(posted) > 0 && `${doubledSummaries(posted)} summaries were posted twice.`,
    posted.repeats === 0 && 'no summary was asked for twice, so the keys had nothing to show.',
  ];
}

/** Posts beyond one an agent. */
export function doubledSummaries({ posts }: Posted): number {
  return posts.length - new Set(posts).size;
}
