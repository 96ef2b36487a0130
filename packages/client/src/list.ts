/**
 * Agents page by page, in the order in which they last changed. Looking never wakes one.
 *
 * A page is one ranged read of the bucket, whatever the number of agents. An agent that changes while
 * one pages may come twice; none is left out.
 */
import {
  type Address,
  type AgentKey,
  type AgentRecord,
  type JournalEntry,
  type LifecycleName,
  type RecordLifecycle,
  type TimerEntry,
  addressOf,
  checkAgentType,
  decode,
  decodeRecord,
  isInChunks,
  isWakebusError,
} from '@wakebus/protocol';
import { isLive, shownLifecycle } from './inspect.ts';
import { readLimit, readStart } from './page-options.ts';
import type { BucketPort, BucketPage, ClientPorts } from './ports.ts';

/** Which agents to list. */
export interface ListOptions {
  /** Only agents of this type. @default all */
  readonly type?: string;
  /** Only agents that are so now. @default all but removed ones, of which a tombstone remains */
  readonly lifecycle?: LifecycleName;
  /** Agents a page, 1 to 1,000. @default 100 – a screen or two */
  readonly pageSize?: number;
  /** From the page before. @default the beginning */
  readonly cursor?: string;
}

/** One agent in a list. Times are milliseconds since the epoch. */
export interface AgentSummary {
  readonly address: Address;
  readonly key: AgentKey;
  readonly revision: number;
  readonly lifecycle: RecordLifecycle;
  readonly state: unknown;
  readonly machineVersion: number;
  readonly turns: number;
  readonly updatedMs: number;
  /** The last event that it has taken. */
  readonly last?: { readonly type: string; readonly from?: string; readonly atMs: number };
  /** Failed tries of the message at the head of its mailbox, if any. */
  readonly attempts?: number;
  /** When its next timer is due, or an effect's repetition or deadline. */
  readonly nextWakeMs?: number;
  /** Effects that are not over, if any. */
  readonly effects?: readonly JournalEntry[];
  /** Pending delayed events and schedules, if any. */
  readonly timers?: readonly TimerEntry[];
  readonly holder: string;
  readonly sizeBytes: number;
}

/** One page. It may hold fewer agents than asked for, even none; without a cursor there are no more. */
export interface AgentPage {
  readonly agents: readonly AgentSummary[];
  readonly cursor?: string;
}

/** Records read for one page at most: a rare lifecycle among a million agents is found in steps of this size. */
const MOST_READ = 10_000;
/** Records asked for at once. */
const READ_AT_ONCE = 1_000;

/** Lists one page. @throws {WakebusError} `INVALID_OPTION`, `INVALID_ADDRESS`, `UNAVAILABLE`. */
export async function listAgents(ports: ClientPorts, options: ListOptions): Promise<AgentPage> {
  const { filter, pageSize, ...start } = readOptions(options);
  const holders = new LivingHolders(ports.leases);
  const agents: AgentSummary[] = [];
  let { after } = start;
  for (let read = 0; read < MOST_READ;) {
    const page = await readPage(ports.agents, filter, after, options.lifecycle === undefined ? pageSize : READ_AT_ONCE);
    for (const entry of page.entries) {
      read += 1;
      after = entry.revision;
      const summary = await summarize(entry, holders);
      if (isWanted(summary, options.lifecycle) && agents.push(summary) === pageSize)
        return { agents, cursor: String(after) };
    }
    if (page.next === undefined) return { agents };
    after = page.next;
  }
  return { agents, cursor: String(after) };
}

function readOptions({ type, pageSize, cursor }: ListOptions): { filter: string; pageSize: number; after: number } {
  const filter = type === undefined ? '>' : `${checkAgentType(type)}.*`;
  return { filter, pageSize: readLimit(pageSize), after: readStart(cursor) };
}

function isWanted({ lifecycle }: AgentSummary, wanted: LifecycleName | undefined): boolean {
  return wanted === undefined ? lifecycle.name !== 'removed' : lifecycle.name === wanted;
}

type Entry = BucketPage['entries'][number];

/** A record that cannot be read is listed all the same: it is what an operator looks for. */
async function summarize(entry: Entry, holders: LivingHolders): Promise<AgentSummary> {
  const key = entry.key as AgentKey;
  try {
    const record = decodeRecord(key, entry.bytes);
    return summaryOf(key, entry, record, await holders.has(record));
  } catch (error) {
    if (!isWakebusError(error) || isWakebusError(error, 'UNAVAILABLE')) throw error;
    const lifecycle = { name: 'quarantined', sinceMs: 0, code: error.code, message: error.message } as const;
    return {
      ...EMPTY,
      address: addressOf(key),
      key,
      revision: entry.revision,
      lifecycle,
      sizeBytes: entry.bytes.length,
    };
  }
}

const EMPTY = { state: undefined, machineVersion: 0, turns: 0, updatedMs: 0, holder: '' } as const;

function summaryOf(key: AgentKey, entry: Entry, record: AgentRecord, live: boolean): AgentSummary {
  const effects = record.journal.filter(({ endedMs }) => endedMs === undefined);
  const nextWakeMs = Math.min(
    ...record.timers.map(({ dueMs, leftMs }) => (leftMs === undefined ? dueMs : Infinity)),
    ...effects.map(({ notBeforeMs, deadlineMs }) => notBeforeMs ?? deadlineMs ?? Infinity),
  );
  return {
    address: addressOf(key),
    key,
    revision: entry.revision,
    lifecycle: shownLifecycle(record, live),
    state: stateOf(record),
    machineVersion: record.machineVersion,
    turns: record.turns,
    updatedMs: record.updatedMs,
    ...lastOf(record),
    ...(record.attempt !== undefined && { attempts: record.attempt.count }),
    ...(Number.isFinite(nextWakeMs) && { nextWakeMs }),
    ...(effects.length > 0 && { effects }),
    ...(record.timers.length > 0 && { timers: record.timers }),
    holder: live ? record.lease.holder : '',
    sizeBytes: entry.bytes.length,
  };
}

function lastOf({ last }: AgentRecord): Pick<AgentSummary, 'last'> {
  const event = last?.events.at(-1);
  if (last === undefined || event === undefined) return {};
  const { type, from } = event;
  return { last: { type, atMs: last.atMs, ...(from !== undefined && { from }) } };
}

/** Of a snapshot in chunks, what the last turn has said: a list must not fetch megabytes. */
function stateOf(record: AgentRecord): unknown {
  if (isInChunks(record)) return record.last?.state;
  return record.snapshot.length === 0 ? undefined : (decode(record.snapshot) as { readonly value: unknown }).value;
}

/** The holders met in one page, each asked for once. */
class LivingHolders {
  readonly #leases: BucketPort;
  readonly #known = new Map<string, Promise<boolean>>();

  constructor(leases: BucketPort) {
    this.#leases = leases;
  }

  has(record: AgentRecord): Promise<boolean> {
    const { holder } = record.lease;
    const known = this.#known.get(holder) ?? isLive(this.#leases, record);
    this.#known.set(holder, known);
    return known;
  }
}

/** A bucket without pages is read key by key: those of a simulator, which are small. */
async function readPage(bucket: BucketPort, filter: string, after: number, limit: number): Promise<BucketPage> {
  if (bucket.page !== undefined) return bucket.page(filter, after, limit);
  const keys = await bucket.keys(filter);
  const values = await Promise.all(keys.map(async (key) => ({ key, ...(await bucket.get(key)) })));
  const later = values.filter(
    (value): value is typeof value & Entry => value.bytes !== undefined && value.revision > after,
  );
  const entries = later.toSorted((a, b) => a.revision - b.revision).slice(0, limit);
  return { entries, ...(entries.length < later.length && { next: (entries.at(-1) as Entry).revision }) };
}
