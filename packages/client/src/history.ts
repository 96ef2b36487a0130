/**
 * What has been committed, page by page, as the history stream keeps it: seven days, unless the deployment
 * says otherwise. Looking never wakes an agent.
 *
 * History is written at least once: after a crash the same commit may stand in it twice.
 */
import {
  type Address,
  type AgentKey,
  type HistoryEntry,
  WakebusError,
  addressOf,
  decode,
  isCanonicalKey,
} from '@wakebus/protocol';
import { readNewest } from './newest.ts';
import { filterOf } from './observe.ts';
import type { ClientPorts, LogMessage } from './ports.ts';

/** One commit, with the agent that it is of and its place in history. */
export type PastCommit = HistoryEntry & { readonly seq: number; readonly address: Address; readonly key: AgentKey };

/** Which commits to read. */
export interface HistoryOptions {
  /** Only those with a `seq` above this. @default 0 – from the oldest that is kept */
  readonly after?: number;
  /** Most commits of the page, 1 to 1,000. @default 100 */
  readonly limit?: number;
  /** In place of both: the newest so many, 1 to 1,000. */
  readonly last?: number;
}

/** One page, oldest first. It may hold fewer commits than asked for; without any there are no more for now. */
export interface HistoryPage {
  readonly commits: readonly PastCommit[];
  /** What to give as `after` next. */
  readonly next: number;
}

const DEFAULT_LIMIT = 100;
const MOST = 1_000;

/** Reads one page. @throws {WakebusError} `INVALID_ADDRESS`, `INVALID_OPTION`, `UNAVAILABLE`. */
export async function readHistory(
  ports: ClientPorts,
  pattern: string,
  { after = 0, limit = DEFAULT_LIMIT, last }: HistoryOptions,
): Promise<HistoryPage> {
  const filter = ports.layout.historySubject(filterOf(pattern));
  if (last !== undefined) return readLast(ports, filter, last);
  checkWhole('after', after, 0, Number.MAX_SAFE_INTEGER - 1);
  checkWhole('limit', limit, 1, MOST);
  const messages = await ports.history.read(filter, after + 1, limit);
  const commits = messages.flatMap((message) => commitOf(ports, message) ?? []);
  // A page of nothing but what nobody here wrote is not the end.
  if (commits.length === 0 && messages.length > 0)
    return readHistory(ports, pattern, { after: messages.at(-1)?.seq ?? after, limit });
  return { commits, next: messages.at(-1)?.seq ?? after };
}

async function readLast(ports: ClientPorts, filter: string, last: number): Promise<HistoryPage> {
  checkWhole('last', last, 1, MOST);
  const messages = await readNewest(ports.history, filter, last);
  return { commits: messages.flatMap((message) => commitOf(ports, message) ?? []), next: messages.at(-1)?.seq ?? 0 };
}

function commitOf({ layout }: ClientPorts, { subject, data, seq }: LogMessage): PastCommit | undefined {
  const key = subject.slice(layout.historySubject('>').length - 1);
  const entry = readEntry(data);
  return entry === undefined || !isCanonicalKey(key) ? undefined : { ...entry, seq, key, address: addressOf(key) };
}

/** An entry of history, or `undefined` when the bytes are none. */
export function readEntry(data: Uint8Array): HistoryEntry | undefined {
  try {
    const value = decode(data) as HistoryEntry | null;
    return typeof value?.commit === 'string' ? value : undefined;
  } catch (error) {
    if (error instanceof WakebusError) return undefined;
    throw error;
  }
}

function checkWhole(option: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new WakebusError('INVALID_OPTION', { option, why: `write a whole number from ${least} to ${most}` });
}
