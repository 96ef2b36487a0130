/**
 * A chain of wakes as a tree: what caused what, across agents, timers, effects and days. From history alone,
 * so no tracing back end is needed, and nothing is asked of any agent.
 *
 * Causes are not guessed: a message names the event of its sender that made it; a fired timer and the result
 * of an effect follow the last commit of the same agent that armed or planned them.
 */
import {
  type Address,
  type AgentKey,
  type HistoryEvent,
  addressOf,
  isCanonicalKey,
  parseAddress,
} from '@wakebus/protocol';
import { type PastCommit, readHistory } from './history.ts';
import type { ClientPorts } from './ports.ts';

/** How an event came about. */
export type CauseKind = 'outside' | 'message' | 'timer' | 'effect' | 'operator';

/** One event that was taken, and what followed from it. */
export interface ChainStep {
  readonly address: Address;
  readonly key: AgentKey;
  readonly cause: CauseKind;
  readonly event: HistoryEvent;
  /** The commit that took it, perhaps with others. */
  readonly commit: PastCommit;
  /** Of an effect's result: attempts before it that were repeated. */
  readonly repeats: number;
  readonly caused: readonly ChainStep[];
}

/** A chain, from the event outside that began it; or from the oldest that history still has. */
export interface Chain {
  readonly root: ChainStep;
  /** The step that was asked about. */
  readonly target: ChainStep;
  readonly steps: number;
  /** Whether there is more than was asked for. */
  readonly isCut: boolean;
  readonly traceId?: string;
}

/** How much of a chain is read. */
export interface ExplainOptions {
  /** Most steps. @default 1,000 – more is read by nobody. */
  readonly limit?: number;
}

const DEFAULT_LIMIT = 1_000;
const PAGE_SIZE = 1_000;
const TRACE_ID = /^[0-9a-f]{32}$/;
const FROM_EFFECT = /^(?:done|error)\.actor\.(.+)$/s;

/** An event in the commit that took it. */
interface Taken {
  readonly commit: PastCommit;
  readonly event: HistoryEvent;
}

/**
 * Explains an agent's last wake (`<type>/<id>`), one message of it (`<type>/<id>#<inbox sequence>`), the message
 * of an ID, or a trace by its ID.
 *
 * @returns `undefined` when history knows nothing of it.
 * @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`.
 */
export async function explainChain(
  ports: ClientPorts,
  target: string,
  { limit = DEFAULT_LIMIT }: ExplainOptions,
): Promise<Chain | undefined> {
  const past = new Past(ports);
  const asked = await findTarget(past, target);
  if (asked === undefined) return undefined;
  const tree = new Tree(past, limit, idOf(asked));
  const root = await tree.grow(await findRoot(past, asked));
  const traceId = asked.commit.traceparent?.split('-')[1];
  return {
    root,
    target: tree.target ?? root,
    steps: tree.size,
    isCut: tree.isCut,
    ...(traceId !== undefined && { traceId }),
  };
}

/** What agents have committed, read once each. */
class Past {
  readonly #ports: ClientPorts;
  readonly #agents = new Map<string, Promise<readonly PastCommit[]>>();

  constructor(ports: ClientPorts) {
    this.#ports = ports;
  }

  of(key: AgentKey): Promise<readonly PastCommit[]> {
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const read = this.#readAll(addressOf(key));
    this.#agents.set(key, read);
    return read;
  }

  /** The first event of all agents that is sought. */
  async first(isSought: (taken: Taken) => boolean): Promise<Taken | undefined> {
    for await (const commit of this.#commits('*')) {
      const found = takenBy(commit).find(isSought);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #readAll(pattern: string): Promise<readonly PastCommit[]> {
    // At least once: a commit may stand there twice. The first one still has the payloads.
    const byCommit = new Map<string, PastCommit>();
    for await (const commit of this.#commits(pattern))
      if (!byCommit.has(commit.commit)) byCommit.set(commit.commit, commit);
    return [...byCommit.values()].toSorted((a, b) => a.turn - b.turn);
  }

  async *#commits(pattern: string): AsyncGenerator<PastCommit, void, void> {
    for (let after = 0; ;) {
      const { commits, next } = await readHistory(this.#ports, pattern, { after, limit: PAGE_SIZE });
      yield* commits;
      if (commits.length === 0) return;
      after = next;
    }
  }
}

async function findTarget(past: Past, target: string): Promise<Taken | undefined> {
  if (TRACE_ID.test(target)) return past.first(({ commit }) => commit.traceparent?.split('-')[1] === target);
  if (!target.includes('/')) return past.first(({ event }) => event.id === target);
  const [, address = target, seq] = /^(.*)#(\d+)$/s.exec(target) ?? [];
  const taken = (await past.of(parseAddress(address))).flatMap(takenBy);
  return seq === undefined ? taken.at(-1) : taken.find(({ event }) => event.seq === Number(seq));
}

/** The event that a chain began with, as far as history goes back. */
async function findRoot(past: Past, from: Taken): Promise<Taken> {
  const seen = new Set<string>();
  for (let at = from; ;) {
    seen.add(idOf(at));
    const cause = await causeOf(past, at);
    if (cause === undefined || seen.has(idOf(cause))) return at;
    at = cause;
  }
}

/** The event from which another one followed. */
async function causeOf(past: Past, { commit, event }: Taken): Promise<Taken | undefined> {
  const made = madeBy(event);
  switch (made.kind) {
    case 'message': {
      const commits = await past.of(made.sender);
      return commits.flatMap(takenBy).find((taken) => taken.event.seq === made.seq);
    }
    case 'timer':
    case 'effect': {
      const before = (await past.of(commit.key)).filter(({ turn }) => turn < commit.turn);
      const planned = before.findLast(({ outputs }) => outputs.includes(`${made.kind} ${made.id}`));
      return planned && takenBy(planned).at(-1);
    }
    default:
      return undefined;
  }
}

type Made =
  | { readonly kind: 'outside' | 'operator' }
  | { readonly kind: 'message'; readonly sender: AgentKey; readonly seq: number }
  | { readonly kind: 'timer' | 'effect'; readonly id: string };

/** What history says of an event's origin. */
function madeBy({ from, id, type }: HistoryEvent): Made {
  if (from === undefined) return { kind: type.startsWith('wakebus.') ? 'operator' : 'outside' };
  if (from.startsWith('timer ')) return { kind: 'timer', id: from.slice('timer '.length) };
  const effect = FROM_EFFECT.exec(from)?.[1];
  if (effect !== undefined) return { kind: 'effect', id: effect };
  const [, sender = '', seq] = /^(.+):(\d+)\.\d+$/s.exec(id ?? '') ?? [];
  return isCanonicalKey(sender) ? { kind: 'message', sender, seq: Number(seq) } : { kind: 'outside' };
}

function takenBy(commit: PastCommit): Taken[] {
  return commit.events.map((event) => ({ commit, event }));
}

function idOf({ commit, event }: Taken): string {
  return `${commit.key} ${commit.commit} ${event.seq} ${event.type}`;
}

/** Grows a chain from its root. Each event stands in it once. */
class Tree {
  readonly #past: Past;
  readonly #limit: number;
  readonly #targetId: string;
  readonly #seen = new Set<string>();
  target: ChainStep | undefined;
  isCut = false;

  constructor(past: Past, limit: number, targetId: string) {
    this.#past = past;
    this.#limit = limit;
    this.#targetId = targetId;
  }

  get size(): number {
    return this.#seen.size;
  }

  async grow(taken: Taken, repeats = 0): Promise<ChainStep> {
    const { commit, event } = taken;
    const { address, key } = commit;
    this.#seen.add(idOf(taken));
    const caused: ChainStep[] = [];
    for (const next of await this.#following(taken)) {
      if (this.#seen.has(idOf(next))) continue;
      this.isCut ||= this.#seen.size >= this.#limit;
      if (!this.isCut) caused.push(await this.grow(next, next.repeats));
    }
    const step: ChainStep = { address, key, cause: madeBy(event).kind, event, commit, repeats, caused };
    if (idOf(taken) === this.#targetId) this.target = step;
    return step;
  }

  /** What follows from an event, in the order of time. */
  async #following({ commit, event }: Taken): Promise<ReadonlyArray<Taken & { readonly repeats: number }>> {
    const sent = await this.#receivers(commit, event);
    // Which of several events armed a timer is not written: all that is the commit's stands under its last one.
    const own = commit.events.at(-1) === event ? await this.#later(commit) : [];
    return [...sent, ...own].toSorted((a, b) => a.commit.atMs - b.commit.atMs || a.commit.seq - b.commit.seq);
  }

  async #receivers({ key, outputs }: PastCommit, { seq }: HistoryEvent): Promise<Array<Taken & { repeats: number }>> {
    const receivers = new Set(outputs.flatMap((output) => /^send .* to (\S+)$/s.exec(output)?.[1] ?? []));
    const found: Array<Taken & { repeats: number }> = [];
    for (const receiver of receivers)
      for (const commit of await this.#past.of(parseAddress(receiver)))
        found.push(
          ...takenBy(commit)
            .filter(({ event }) => event.id?.startsWith(`${key}:${seq}.`) === true)
            .map((taken) => ({ ...taken, repeats: 0 })),
        );
    return found;
  }

  /** What its own timers and effects have brought the agent. */
  async #later(commit: PastCommit): Promise<Array<Taken & { repeats: number }>> {
    const after = (await this.#past.of(commit.key)).filter(({ turn }) => turn > commit.turn);
    return commit.outputs.flatMap((output) => {
      const [, kind, id = ''] = /^(timer|effect) (.+)$/s.exec(output) ?? [];
      if (kind === undefined || output.endsWith(' again') || output.endsWith(' maybe')) return [];
      const isIt = (event: HistoryEvent): boolean => {
        const made = madeBy(event);
        return (made.kind === 'timer' || made.kind === 'effect') && made.kind === kind && made.id === id;
      };
      const at = after.findIndex(({ events, outputs }) => events.some(isIt) || outputs.includes(output));
      const taken = at < 0 ? undefined : takenBy(after[at] as PastCommit).find(({ event }) => isIt(event));
      if (taken === undefined) return [];
      const repeats = after.slice(0, at).filter(({ outputs }) => outputs.includes(`${output} again`)).length;
      return [{ ...taken, repeats }];
    });
  }
}
