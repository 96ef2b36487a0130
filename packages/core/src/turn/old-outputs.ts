/**
 * Outputs that have outlived the dedupe horizon: their receivers may have forgotten whether they came,
 * so nothing sends them any more. They stand in `maybe`, where an operator sees them.
 */
import type { AgentRecord, OutboxEntry } from '@wakebus/protocol';

/** The record with its unsent outputs older than the horizon set aside; the same object where there are none. */
export function setOldOutputsAside(record: AgentRecord, nowMs: number, horizonMs: number): AgentRecord {
  const isOld = (entry: OutboxEntry): boolean => entry.atMs < nowMs - horizonMs;
  const old = record.outbox.filter(isOld);
  if (old.length === 0) return record;
  const broken = new Set(old.map(({ to }) => to));
  const outbox = record.outbox
    .filter((entry) => !isOld(entry))
    // What the receiver would wait for does not come any more: the chain to it starts anew.
    .map((entry) => (broken.delete(entry.to) ? withoutPrevious(entry) : entry));
  return { ...record, outbox, maybe: [...record.maybe, ...old] };
}

function withoutPrevious({ previousMs: _atMs, ...entry }: OutboxEntry): OutboxEntry {
  return { ...entry, previous: 0 };
}
