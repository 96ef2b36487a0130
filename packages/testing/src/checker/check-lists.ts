/**
 * Lists that machines append to: each acknowledged value once, in order, and nothing that nobody sent.
 *
 * @see Kingsbury, Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB
 * 2020: unique values in lists make every lost, doubled or reordered write visible.
 */
import type { AgentHistory, ClientOperation, RunHistory, Violation } from './run-history.ts';

/** Reads the list of an agent out of its record; absent where it has none. */
export type ReadList = (agent: AgentHistory) => readonly string[];

/** What must be in one agent's list. */
export interface ListExpectation {
  /** Values that must be there once. */
  readonly required: ReadonlySet<string>;
  /** Values that may be there once. */
  readonly allowed: ReadonlySet<string>;
}

/** What must be in the list of an agent that got these operations, and notes each by its ID. */
export function expectedOf(operations: readonly ClientOperation[]): ListExpectation {
  const idsOf = (wanted: ClientOperation['outcome']): ReadonlySet<string> =>
    new Set(operations.filter(({ outcome }) => outcome === wanted).map(({ id }) => id));
  return { required: idsOf('ok'), allowed: idsOf('info') };
}

/** Nothing that is required is missing, nothing is there twice, nothing is unknown. */
export function checkList(key: string, list: readonly string[], { required, allowed }: ListExpectation): Violation[] {
  const seen = new Set<string>();
  const violations: Violation[] = [];
  for (const value of list) {
    if (seen.has(value)) violations.push(`${key}: ${value} was processed twice`);
    else if (!required.has(value) && !allowed.has(value))
      violations.push(`${key}: ${value} was processed, and nobody sent it`);
    seen.add(value);
  }
  for (const value of required)
    if (!seen.has(value)) violations.push(`${key}: ${value} was acknowledged and is missing`);
  return violations;
}

/** What a client had acknowledged before it sent the next stands before it: per client and agent, in the order of the operations. */
export function checkOrder(history: RunHistory, readList: ReadList): Violation[] {
  return [...history.agents.values()].flatMap((agent) => {
    const list = readList(agent);
    const mine = history.operations.filter((operation) => operation.agent === agent.key && operation.outcome === 'ok');
    const clients = new Set(mine.map(({ client }) => client));
    return [...clients].flatMap((client) =>
      checkAscending(
        agent.key,
        list,
        mine.filter((operation) => operation.client === client),
      ),
    );
  });
}

/** Each state of a list starts with the one before: nothing is taken back or slipped in. */
export function checkGrowth(agent: AgentHistory, lists: readonly (readonly string[])[]): Violation[] {
  for (let i = 1; i < lists.length; i += 1) {
    const [before, after] = [lists[i - 1] as readonly string[], lists[i] as readonly string[]];
    const at = before.findIndex((value, position) => after[position] !== value);
    if (at >= 0) return [`${agent.key}: ${before[at]} stood at place ${at} and later does not`];
  }
  return [];
}

function checkAscending(key: string, list: readonly string[], operations: readonly ClientOperation[]): Violation[] {
  const places = operations.map(({ id }) => ({ id, place: list.indexOf(id) })).filter(({ place }) => place >= 0);
  const wrong = places.find(({ place }, i) => i > 0 && place < (places[i - 1] as { place: number }).place);
  return wrong === undefined
    ? []
    : [`${key}: ${wrong.id} was processed before what its client had acknowledged earlier`];
}
