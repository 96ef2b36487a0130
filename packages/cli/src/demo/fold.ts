/**
 * The same states as the agents', from a plain loop over the same files: no XState, no Wakebus, no network.
 *
 * It is the measure of the demo, so it shares nothing with the machines but the deliveries: the tables in
 * `fold-rules.ts` say what the machines say in states. Each delivery counts once, in order.
 */
import { createHash } from 'node:crypto';
import { type Delivery, addressOfDelivery, thing } from './deliveries.ts';
import type { PlainState } from './digest.ts';
import { births, changes, ended, moves } from './fold-rules.ts';

type Book = { count: number; chain: string };
type State = { regions: Record<string, string>; context: Context };
type Context = {
  address: string;
  book: Book;
  sets: Record<string, string[]>;
  reports: Record<string, Book>;
  verdicts: Record<string, number>;
};

/** The states of all agents after these deliveries, by address. */
export function foldStates(deliveries: readonly Delivery[]): Map<string, PlainState> {
  const states = new Map<string, State>();
  for (const delivery of deliveries) {
    const state = at(states, addressOfDelivery(delivery));
    move(state, delivery);
    change(state, delivery);
    enter(state.context.book, delivery.id);
    state.regions['summary'] = 'posted';
    report(states, state.context.address, delivery);
  }
  return states;
}

function at(states: Map<string, State>, address: string): State {
  let state = states.get(address);
  if (state === undefined) {
    const regions = { ...births[address.slice(0, address.indexOf('/'))], summary: 'none' };
    state = { regions, context: { address, book: { count: 0, chain: '' }, sets: {}, reports: {}, verdicts: {} } };
    states.set(address, state);
  }
  return state;
}

function move({ regions }: State, { event, payload }: Delivery): void {
  const [region, to] = moves[event] ?? [];
  if (region !== undefined) regions[region] = typeof to === 'string' ? to : (to?.(payload) ?? '');
}

function change({ regions, context: { address, sets } }: State, { event, payload }: Delivery): void {
  const [verb, set, field, name] = changes[event] ?? [];
  if (verb !== undefined && set !== undefined) {
    const item = `${thing(payload, field ?? '')?.[name ?? 'login'] as string | number}`;
    const others = (sets[set] ?? []).filter((other) => other !== item);
    sets[set] = verb === '-' ? others : [...others, item].toSorted();
  }
  if (!address.startsWith('issue/') || !regions['life']?.startsWith('open')) return;
  const triaged = [...(sets['labels'] ?? []), ...(sets['assignees'] ?? [])].length > 0;
  regions['life'] = triaged ? 'open.done' : 'open.waiting';
}

function enter(book: Book, id: string): void {
  book.count += 1;
  book.chain = createHash('sha256').update(`${book.chain}\n${id}`).digest('hex');
}

/** What the repository, and for a check suite its pull requests, hear of a delivery. */
function report(states: Map<string, State>, address: string, { id, event, payload }: Delivery): void {
  const repository = thing(payload, 'repository');
  if (repository === undefined || address === `repository/${repository.id}`) return;
  const home = at(states, `repository/${repository.id}`).context;
  enter((home.reports[address] ??= { count: 0, chain: '' }), id);
  if (event !== 'check_suite.completed') return;
  for (const { number } of thing(payload, 'check_suite')?.pull_requests ?? []) {
    const pullRequest = at(states, `pull_request/${repository.full_name}#${number}`);
    pullRequest.regions['checks'] = ended(payload);
    enter((pullRequest.context.reports[address] ??= { count: 0, chain: '' }), id);
    home.verdicts[pullRequest.context.address] = (home.verdicts[pullRequest.context.address] ?? 0) + 1;
  }
}
