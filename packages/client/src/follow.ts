/**
 * Following commits and incidents as they happen, without a gap and without a consumer on the server.
 *
 * What is written to their streams passes by as a plain message too. That is the bell: it says which entry
 * to look for, and the stream itself says in which order entries stand. A bell that nobody heard costs a
 * late look, never an entry.
 */
import { type PastCommit, readEntry, readHistory } from './history.ts';
import { filterOf } from './observe.ts';
import type { ClientClock, ClientPorts, HistoryPort } from './ports.ts';

/** Where to begin, and when to end. */
export interface FollowOptions {
  /** Those with a `seq` above this. @default those that come from now on */
  readonly after?: number;
  readonly signal?: AbortSignal;
}

const PAGE_SIZE = 100;
/** Looks for an entry whose bell has rung, in milliseconds after the look before: it is stored at about the same time. The last pause is for those that were stored before. */
const LOOK_PAUSES_MS = [2, 10, 50, 250, 1_000] as const;
/** A look without a bell, in milliseconds: bells are lost with a connection. */
const UNASKED_LOOK_MS = 5_000;
/** Bells kept by name. A reader that is further behind finds its entries by reading on. */
const MOST_BELLS = 1_000;

/** What is followed: a stream, page by page, and what names each entry in a page and in its bell. */
export interface Followed<T> {
  readonly log: HistoryPort;
  /** Of the bells. */
  readonly subject: string;
  read(part: FollowedPart): Promise<FollowedPage<T>>;
  nameOf(entry: T): string;
  /** @returns `undefined` for a message that is none. */
  nameIn(data: Uint8Array): string | undefined;
}

/** What to read: so many at most, above a sequence. */
export interface FollowedPart {
  readonly after: number;
  readonly limit: number;
}

/** What was read, and what to give as `after` next. */
export interface FollowedPage<T> {
  readonly entries: readonly T[];
  readonly next: number;
}

/** Follows commits. @throws {WakebusError} as {@link readHistory}. */
export function followHistory(
  ports: ClientPorts,
  pattern: string,
  options: FollowOptions,
): AsyncGenerator<PastCommit, void, void> {
  const commits: Followed<PastCommit> = {
    log: ports.history,
    subject: ports.layout.historySubject(filterOf(pattern)),
    read: async (from) => {
      const { commits: entries, next } = await readHistory(ports, pattern, from);
      return { entries, next };
    },
    nameOf: ({ commit }) => commit,
    nameIn: (data) => readEntry(data)?.commit,
  };
  return follow(ports, commits, options);
}

/** Reads on and on. Reads the next page only when this one has been taken. @throws what reading throws. */
export async function* follow<T>(
  ports: ClientPorts,
  followed: Followed<T>,
  { after: given, signal }: FollowOptions,
): AsyncGenerator<T, void, void> {
  using bell = new Bell(ports, followed, signal);
  let after = given ?? (await followed.log.info()).lastSeq;
  while (!isOver(signal)) {
    const page = await followed.read({ after, limit: PAGE_SIZE });
    for (const entry of page.entries) {
      bell.found(followed.nameOf(entry));
      yield entry;
      if (isOver(signal)) return;
    }
    after = page.next;
    if (page.entries.length === 0) await bell.nextLook();
  }
}

function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Says when to look again. */
class Bell implements Disposable {
  readonly #clock: ClientClock;
  readonly #subscription: { stop(): void };
  readonly #signal: AbortSignal | undefined;
  readonly #rung = new Set<string>();
  readonly #onAbort = (): void => this.#look();
  #looks = 0;
  #look: () => void = () => {};

  constructor(
    { messenger, clock }: ClientPorts,
    { nameIn, subject }: Pick<Followed<unknown>, 'nameIn' | 'subject'>,
    signal: AbortSignal | undefined,
  ) {
    this.#clock = clock;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
    this.#subscription = messenger.subscribe(subject, ({ data }) => {
      const name = nameIn(data);
      if (name !== undefined) this.#ring(name);
    });
  }

  /** An entry was read: its bell is answered. */
  found(name: string): void {
    this.#rung.delete(name);
  }

  /** Resolves when a look may find something. */
  async nextLook(): Promise<void> {
    if (this.#signal?.aborted === true) return;
    const pauseMs = this.#pauseMs();
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(pauseMs, resolve);
      this.#look = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#look = () => {};
  }

  [Symbol.dispose](): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#subscription.stop();
  }

  #ring(name: string): void {
    if (this.#rung.size < MOST_BELLS) this.#rung.add(name);
    this.#looks = 0;
    this.#look();
  }

  #pauseMs(): number {
    const pauseMs = this.#rung.size === 0 ? undefined : LOOK_PAUSES_MS[this.#looks];
    this.#looks += 1;
    if (pauseMs !== undefined) return pauseMs;
    this.#rung.clear();
    this.#looks = 0;
    return UNASKED_LOOK_MS;
  }
}
