/**
 * Marks of operators in the registry: there while something is disabled, for all placement nodes. What a node sees
 * of them is a moment old.
 */
import { WakebusError } from '@wakebus/protocol';
import type { RecordStore, Watch } from './ports/record-store.ts';

/** Tries of one write: the only rivals are other operators. */
const TRIES = 20;

/** What one placement node sees of the marks of one kind. */
export class RegistryMarks<T> {
  readonly #read: (bytes: Uint8Array) => T | undefined;
  readonly #values = new Map<string, T>();
  #watch: Watch | undefined;

  /** @param read - What a mark says, if anything. */
  constructor(read: (bytes: Uint8Array) => T | undefined) {
    this.#read = read;
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Begins to look; the marks that are there are known when this resolves. @param on - Called when one has come, or has gone. */
  async watch(
    registry: RecordStore,
    filter: string,
    on: { set?(mark: T): void; cleared(mark: T): void },
  ): Promise<void> {
    this.#watch = await registry.watch(filter, (key, { bytes }) => {
      const before = this.#values.get(key);
      const now = bytes === undefined ? undefined : this.#read(bytes);
      if (now === undefined) this.#values.delete(key);
      else this.#values.set(key, now);
      if (now !== undefined && before === undefined) on.set?.(now);
      if (now === undefined && before !== undefined) on.cleared(before);
    });
  }

  close(): void {
    this.#watch?.stop();
  }
}

/** Sets a mark, or clears it. @returns whether there was one. @throws {WakebusError} `UNAVAILABLE`. */
export async function writeMark(registry: RecordStore, key: string, bytes: Uint8Array | undefined): Promise<boolean> {
  for (let round = 0; round < TRIES; round += 1) {
    const present = await registry.getFresh(key);
    if (bytes === undefined && present.bytes === undefined) return round > 0;
    const outcome = await (bytes === undefined
      ? registry.remove(key, present.revision)
      : registry.put(key, bytes, present.revision));
    if (outcome.kind === 'stored') return present.bytes !== undefined;
  }
  throw new WakebusError('UNAVAILABLE', { what: 'The registry' });
}

/** All marks of one kind. @throws {WakebusError} `UNAVAILABLE`. */
export async function readMarks<T>(
  registry: RecordStore,
  filter: string,
  read: (bytes: Uint8Array) => T | undefined,
): Promise<T[]> {
  const keys = await registry.keys(filter);
  const values = await Promise.all(keys.map((key) => registry.get(key)));
  return values.flatMap(({ bytes }) => (bytes === undefined ? [] : (read(bytes) ?? [])));
}
