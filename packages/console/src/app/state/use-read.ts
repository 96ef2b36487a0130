/** What a page reads, kept on the screen while it is read again, and while nobody answers. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { read } from '../api/gateway.ts';
import { pulse } from './live.ts';

/** What is known of a path. */
export interface Reading<T> {
  /** The last answer; `undefined` before the first. */
  readonly value: T | undefined;
  /** Why there is no newer one. */
  readonly error: Error | undefined;
}

interface Work {
  path: string | undefined;
  /** Tells the readings of one path from those of another, whose answers may still come. */
  turn: number;
  isBusy: boolean;
  /** Something has happened since the request went out. */
  isStale: boolean;
}

const NOTHING = { value: undefined, error: undefined, path: undefined } as const;

/**
 * Reads a path, and again when something has happened: one request at a time, so that what comes often cannot keep a
 * slow answer from coming at all.
 *
 * @param path - `undefined`: nothing yet.
 * @param isFixed - What never changes is read once.
 */
export function useRead<T>(path: string | undefined, isFixed: boolean = false): Reading<T> {
  const [reading, setReading] = useState<Reading<T> & { readonly path: string | undefined }>(NOTHING);
  const { current: work } = useRef<Work>({ path: undefined, turn: 0, isBusy: false, isStale: false });
  const beat = isFixed ? 0 : pulse.value;
  useEffect(() => {
    if (path !== work.path) Object.assign(work, { path, turn: work.turn + 1, isBusy: false });
    if (path === undefined) return;
    work.isStale = true;
    if (!work.isBusy) void readUntilFresh(work, path, setReading);
  }, [path, beat]);
  return reading.path === path ? reading : NOTHING;
}

async function readUntilFresh<T>(
  work: Work,
  path: string,
  show: (next: (before: Reading<T> & { path: string | undefined }) => Reading<T> & { path: string }) => void,
): Promise<void> {
  const { turn } = work;
  work.isBusy = true;
  while (work.isStale) {
    work.isStale = false;
    const answer = await read<T>(path).then(
      (value) => ({ value, error: undefined }),
      (error: Error) => ({ error }),
    );
    if (work.turn !== turn) return;
    show((before) => ({ value: before.path === path ? before.value : undefined, ...answer, path }));
  }
  work.isBusy = false;
}
