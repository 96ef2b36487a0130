/**
 * What real streams hold of a run, once it has come to rest: for the same checker that judges a simulation.
 */
import type { Ports } from '@wakebus/placement-node';
import { type AgentKey, type AgentRecord, decodeRecord } from '@wakebus/protocol';
import type { StoredAgent } from '../checker/run-history.ts';
import { pause, persist } from './patience.ts';
import type { RecordWatch } from './record-watch.ts';

/** Records read at once. */
const AT_ONCE = 32;
const PAGE = 256;
const LOOK_EVERY_MS = 100;

/** Reads agents as they are stored now. One without a record is there, too: what it was sent is missing then. */
export async function readStoredAgents(
  ports: Ports,
  watch: Pick<RecordWatch, 'writesOf'>,
  keys: ReadonlySet<AgentKey>,
): Promise<StoredAgent[]> {
  const letters = await readDeadLetters(ports);
  return mapSome([...keys], async (key) => {
    const { bytes, revision } = await persist(() => ports.agents.getFresh(key));
    const seen = watch.writesOf(key).filter((write) => write.revision < revision);
    const writes = bytes === undefined ? seen : [...seen, { revision, by: '', atMs: 0, bytes }];
    return { key, bytes, writes, deadLetters: letters.get(ports.layout.deadLetterSubject(key)) ?? [] };
  });
}

/**
 * Waits until nothing is owed: no message waits, and no record has timers, a try ahead of it, outputs, or effects under way.
 *
 * @returns what still waits, in words; nothing when all is at rest.
 */
export async function comeToRest(
  ports: Ports,
  keys: ReadonlySet<AgentKey>,
  withinMs: number,
): Promise<string | undefined> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const owed = await whatIsOwed(ports, keys);
    if (owed === undefined || performance.now() > untilMs) return owed;
    await pause(LOOK_EVERY_MS);
  }
}

async function whatIsOwed(ports: Ports, keys: ReadonlySet<AgentKey>): Promise<string | undefined> {
  for (const inbox of ports.inboxes) {
    const waiting = await persist(() => inbox.subjects(ports.layout.inboxFilter()));
    const [first] = waiting;
    if (first !== undefined) return `${waiting.size} mailboxes wait, among them ${first[0]} with ${first[1]}`;
  }
  const owing = await mapSome([...keys], async (key) => {
    const { bytes } = await persist(() => ports.agents.getFresh(key));
    return bytes !== undefined && isOwing(decodeRecord(key, bytes)) ? [key] : [];
  });
  const [first] = owing.flat();
  return first === undefined ? undefined : `${owing.flat().length} records owe something, among them ${first}`;
}

function isOwing({ timers, attempt, outbox, held, early, journal, settled }: AgentRecord): boolean {
  if (journal.some(({ state }) => state === 'planned' || state === 'started')) return true;
  return timers.length + outbox.length + early.length > 0 || attempt !== undefined || held !== undefined || !settled;
}

async function readDeadLetters({ deadLetters, layout }: Ports): Promise<ReadonlyMap<string, Uint8Array[]>> {
  const found = new Map<string, Uint8Array[]>();
  const all = layout.deadLetterSubject('>');
  for (let fromSeq = 1; ;) {
    const page = await persist(() => deadLetters.read(all, fromSeq, PAGE));
    for (const { subject, data } of page) found.set(subject, [...(found.get(subject) ?? []), data]);
    const last = page.at(-1);
    if (last === undefined) return found;
    fromSeq = last.seq + 1;
  }
}

/** Maps some at a time, in their order. */
async function mapSome<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const mapped: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE)
    mapped.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(map))));
  return mapped;
}
