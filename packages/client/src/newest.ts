/**
 * The newest messages of a log under a filter. A stream is read forwards only, so one steps back from its end, each
 * step longer than the one before, until there is enough.
 */
import type { HistoryPort, LogMessage } from './ports.ts';

/** Messages asked for at once. */
const PAGE_SIZE = 1_000;
/** How much longer each step is than the one before: an agent that was last heard of a million commits ago is found in seven. */
const GROWTH = 8;

/** Reads them, oldest first. @throws {WakebusError} `UNAVAILABLE`. */
export async function readNewest(log: HistoryPort, filter: string, count: number): Promise<readonly LogMessage[]> {
  const { lastSeq } = await log.info();
  for (let span = count; ; span *= GROWTH) {
    const fromSeq = Math.max(1, lastSeq - span + 1);
    const found = await lastFrom(log, filter, { fromSeq, lastSeq, count });
    if (found.length === count || fromSeq === 1) return found;
  }
}

interface Part {
  readonly fromSeq: number;
  readonly lastSeq: number;
  readonly count: number;
}

async function lastFrom(log: HistoryPort, filter: string, { fromSeq, lastSeq, count }: Part): Promise<LogMessage[]> {
  let kept: LogMessage[] = [];
  for (let next = fromSeq; next <= lastSeq;) {
    const page = await log.read(filter, next, PAGE_SIZE);
    kept = [...kept, ...page].slice(-count);
    next = (page.at(-1)?.seq ?? lastSeq) + 1;
  }
  return kept;
}
