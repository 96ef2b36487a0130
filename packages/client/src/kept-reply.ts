/**
 * Asking again: looks into an agent's record for the answer to a call, without waking the agent.
 *
 * A read is a hint; a stale one says `pending` and costs a second look.
 */
import { type AgentKey, type AgentRecord, type ReplyBody, decodeRecord, readReply } from '@wakebus/protocol';
import type { BucketPort } from './ports.ts';

/** What the record says about one message. `gone`: processed, and its answer is not kept (any more). */
export type KeptReply =
  | { readonly kind: 'answered'; readonly body: ReplyBody }
  | { readonly kind: 'pending' }
  | { readonly kind: 'gone' };

/**
 * Looks for an answer.
 *
 * @param id - The caller's message ID.
 * @param seq - Where the message stands in the inbox.
 * @throws {WakebusError} `UNAVAILABLE`; `RECORD_DAMAGED` and `RECORD_NEWER` for a record that this code cannot read.
 */
export async function findKeptReply(agents: BucketPort, key: AgentKey, id: string, seq: number): Promise<KeptReply> {
  const { bytes } = await agents.get(key);
  if (bytes === undefined) return { kind: 'pending' };
  const record = decodeRecord(key, bytes);
  const kept = record.replies.find((entry) => entry.id === id);
  if (kept !== undefined) return { kind: 'answered', body: readReply(key, kept) };
  return isPending(record, id, seq) ? { kind: 'pending' } : { kind: 'gone' };
}

/** Behind the cursor a message is processed, unless it stands in `held`, or waits at the agent's gate. */
function isPending({ cursor, held, gate }: AgentRecord, id: string, seq: number): boolean {
  if (gate?.waiting.some(({ messageId }) => messageId === id) === true) return true;
  return cursor < seq || (held !== undefined && held.cursor < seq && seq <= held.upTo);
}
