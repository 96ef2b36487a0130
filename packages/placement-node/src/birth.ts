/**
 * Births: the one message an address that tells a new agent from a lost record.
 *
 * A birth is stored first, then the record. A birth whose record is missing is a crash in between only
 * while the inbox still holds the event that the birth names; otherwise the record was lost.
 */
import { type AgentKey, type Birth, WakebusError, decode, encode } from '@wakebus/protocol';
import { type NodeContext, inboxOf } from './node-context.ts';
import { delay } from './ports/clock.ts';

/** Between two tries, in milliseconds. */
const RETRY_MS = 200;
/** Tries before the caller hears of it. */
const TRIES = 10;

/**
 * Makes sure that the birth of an agent without a record is stored.
 *
 * @returns the birth to go on with, or `undefined` when the agent was born before and its record is gone.
 * @throws {WakebusError} `UNAVAILABLE`.
 */
export async function ensureBirth(context: NodeContext, key: AgentKey, birth: Birth): Promise<Birth | undefined> {
  const subject = context.layout.birthSubject(key);
  for (let round = 0; round < TRIES; round += 1) {
    const outcome = await context.ports.births.append(subject, encode(birth), { expectedSubjectSeq: 0 });
    if (outcome.kind === 'stored') return birth;
    if (outcome.kind !== 'full') {
      const stored = await context.ports.births.last(subject);
      if (stored !== undefined) return unfinished(context, key, decode(stored.data) as Birth);
    }
    await delay(context.ports.clock, RETRY_MS);
  }
  throw new WakebusError('UNAVAILABLE', { what: 'The stream of births' });
}

async function unfinished(context: NodeContext, key: AgentKey, birth: Birth): Promise<Birth | undefined> {
  const inbox = inboxOf(context, key);
  if (birth.inbox !== (await inbox.info()).incarnation) return undefined;
  const first = await inbox.get(birth.seq);
  const stillThere = first !== undefined && context.layout.readInboxSubject(first.subject)?.key === key;
  return stillThere ? birth : undefined;
}
