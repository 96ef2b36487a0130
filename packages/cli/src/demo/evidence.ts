/**
 * What the agents have become, read from the records and from history, and what is wrong with it.
 */
import { type HistoryEntry, type HistoryEvent, addressOf, decode, type AgentKey } from '@wakebus/protocol';
import { type PlainState, canonical, plainState } from './digest.ts';
import type { Book } from './machines/ledger.ts';
import type { Stage } from './stage.ts';

/** One commit, with whose it is. */
export interface Commit extends HistoryEntry {
  readonly key: AgentKey;
}

/** The agents as they are. */
export interface Evidence {
  readonly states: ReadonlyMap<string, PlainState>;
  /** Commits that took events, ever. */
  readonly turns: number;
  /** Every commit that history holds, each once, oldest first. */
  readonly commits: readonly Commit[];
}

/** How the agents differ from what they should be. */
export interface Difference {
  readonly lost: number;
  readonly doubled: number;
  /** Deliveries that their own agent has processed again: the reports that follow from it are not counted. */
  readonly repeated: number;
  /** Agents whose state is not the expected one, in any way. */
  readonly wrong: readonly string[];
}

/** History entries read at once. */
const PAGE = 256;

/** Reads every agent and all of history. Looking wakes nobody. */
export async function readEvidence(stage: Stage): Promise<Evidence> {
  const states = new Map<string, PlainState>();
  let turns = 0;
  const { agents } = await stage.client.list({ pageSize: 1_000 });
  for (const { address } of agents) {
    const agent = await stage.client.inspect(address);
    if (agent?.state === undefined) continue;
    states.set(address, plainState({ value: agent.state, context: agent.context }));
    turns += agent.turns;
  }
  return { states, turns, commits: await readHistory(stage) };
}

async function readHistory({ ports }: Stage): Promise<readonly Commit[]> {
  const filter = ports.layout.historySubject('>');
  const rootLength = filter.length - 1;
  const commits = new Map<string, Commit>();
  for (let from = 1; ;) {
    const page = await ports.history.read(filter, from, PAGE);
    for (const { subject, data } of page) {
      const entry = decode(data) as HistoryEntry;
      const key = subject.slice(rootLength) as AgentKey;
      // At least once: the entry of a commit may be there twice. The first one still has the payloads.
      if (!commits.has(`${key} ${entry.commit}`)) commits.set(`${key} ${entry.commit}`, { ...entry, key });
    }
    const last = page.at(-1);
    if (last === undefined) return [...commits.values()];
    from = last.seq + 1;
  }
}

/** Compares states with what they should be, delivery by delivery where both have a book. */
export function compare(
  expected: ReadonlyMap<string, PlainState>,
  actual: ReadonlyMap<string, PlainState>,
): Difference {
  let lost = 0;
  let doubled = 0;
  let repeated = 0;
  const wrong: string[] = [];
  for (const address of new Set([...expected.keys(), ...actual.keys()])) {
    if (canonical(expected.get(address) ?? null) !== canonical(actual.get(address) ?? null)) wrong.push(address);
    const [should, has] = [booksOf(expected.get(address)), booksOf(actual.get(address))];
    for (const name of new Set([...should.keys(), ...has.keys()])) {
      const surplus = (has.get(name) ?? 0) - (should.get(name) ?? 0);
      if (surplus > 0) doubled += surplus;
      else lost -= surplus;
      if (name === OWN) repeated += Math.max(0, surplus);
    }
  }
  return { lost, doubled, repeated, wrong };
}

/** The book of an agent's own deliveries, beside those of what others have told it. */
const OWN = '';

/** How many events an agent has booked, by where they came from. */
function booksOf(state: PlainState | undefined): ReadonlyMap<string, number> {
  const context = state?.context as
    | { book: Book; reports: Record<string, Book>; verdicts: Record<string, number> }
    | undefined;
  return new Map([
    [OWN, context?.book.count ?? 0],
    ...Object.entries(context?.reports ?? {}).map(([from, { count }]) => [`report ${from}`, count] as const),
    ...Object.entries(context?.verdicts ?? {}).map(([from, count]) => [`verdict ${from}`, count] as const),
  ]);
}

/** How often agents were woken (the epoch of their lease rises each time), and how often by another placement node than before. */
export function countWakes(commits: readonly Commit[]): { readonly wakes: number; readonly takeovers: number } {
  const wakes = new Set(commits.map(({ key, epoch }) => `${key} ${epoch}`)).size;
  const holders = new Map<string, string>();
  let takeovers = 0;
  for (const { key, node } of commits.toSorted((a, b) => a.epoch - b.epoch)) {
    if (node !== (holders.get(key) ?? node)) takeovers += 1;
    holders.set(key, node);
  }
  return { wakes, takeovers };
}

/** One step of a wake chain. */
export interface ChainLink {
  readonly address: string;
  readonly event: HistoryEvent;
  readonly commit: Commit;
  readonly caused: readonly ChainLink[];
}

/** The wake chain of a delivery: who took it, what they told whom, and so on. */
export function chainOf(commits: readonly Commit[], isRoot: (event: HistoryEvent) => boolean): ChainLink | undefined {
  const taken = commits.flatMap((commit) => commit.events.map((event) => ({ commit, event })));
  const link = ({ commit, event }: (typeof taken)[number]): ChainLink => {
    // A message between agents is named after its sender and the event of the sender that made it.
    const made = `${commit.key}:${event.seq}.`;
    const caused = taken.filter((other) => other.event.id?.startsWith(made)).map(link);
    return { address: addressOf(commit.key), event, commit, caused };
  };
  const root = taken.find(({ event }) => event.from === undefined && isRoot(event));
  return root === undefined ? undefined : link(root);
}
