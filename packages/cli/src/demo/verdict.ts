/**
 * Whether a run was right: the states against the plain fold, and each fault and repeat against what
 * it should have met.
 */
import { type Delivery, addressOfDelivery } from './deliveries.ts';
import { digestOf } from './digest.ts';
import { type ChainLink, type Difference, type Evidence, chainOf, compare, countWakes } from './evidence.ts';
import { foldStates } from './fold.ts';
import type { Outcome } from './run.ts';

/** Everything that the report shows. */
export interface Result {
  readonly deliveries: readonly Delivery[];
  /** Agents that deliveries went to. */
  readonly agents: number;
  readonly outcome: Outcome;
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
export function judge(deliveries: readonly Delivery[], outcome: Outcome, evidence: Evidence): Result {
  const expected = foldStates(deliveries);
  const result = {
    deliveries,
    agents: new Set(deliveries.map(addressOfDelivery)).size,
    outcome,
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
  return chainOf(commits, ({ id }) => id === last?.id);
}

function faultsIn(result: Omit<Result, 'faults'>): readonly string[] {
  const { difference, digest, expectedDigest, outcome } = result;
  const { atOnce, later, paused, waiting, complaints } = outcome;
  const { lost, doubled, wrong } = difference;
  return [
    lost > 0 && `${lost} events were lost.`,
    doubled > 0 && `${doubled} events were processed twice.`,
    digest !== expectedDigest &&
      `${wrong.length} agents differ from the plain fold, such as ${wrong.slice(0, 3).join(', ')}.`,
    atOnce.dropped < atOnce.sent && `the server took ${atOnce.sent - atOnce.dropped} repeats for new messages.`,
    later.dropped > 0 && `the server still knew ${later.dropped} repeats, so the records had nothing to show.`,
    paused === undefined && 'no placement node was paused inside a commit.',
    waiting.length > 0 && `messages were left in the inbox: ${waiting.slice(0, 3).join(', ')}.`,
    ...complaints.map((complaint) => `a placement node did not leave in order: ${complaint}`),
  ].filter((fault) => fault !== false);
}
