/**
 * Every write of a record, as the stream's leader republishes it: a bucket keeps the last one only, and a watch
 * that is a moment late never sees the one before.
 *
 * Heard from each server by itself, so that one that dies takes nothing with it but what it had not sent yet.
 * Those writes are found by their numbers, which have no gaps.
 */
import type { connectNats } from '@wakebus/placement-node';
import type { StoredWrite } from '../checker/run-history.ts';

type Connection = Awaited<ReturnType<typeof connectNats>>;

/** Where the writes come out. */
export const REPUBLISHED = 'chaos.records';

/** Listens on some connections. @returns what ends it. */
export function followWrites(
  connections: readonly Connection[],
  bucket: string,
  onWrite: (key: string, write: StoredWrite) => void,
): () => void {
  const prefix = `${REPUBLISHED}.$KV.${bucket}.`;
  const subscriptions = connections.map((connection) =>
    connection.subscribe(`${prefix}>`, {
      callback: (error, { subject, headers, data }) => {
        if (error !== null) return;
        const revision = Number(headers?.get('Nats-Sequence'));
        // Deletions and expiries carry no record.
        const bytes = data.length === 0 ? undefined : data.slice();
        onWrite(subject.slice(prefix.length), { revision, by: '', atMs: Date.now(), bytes });
      },
    }),
  );
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}
