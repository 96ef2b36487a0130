/**
 * Following commits as they happen, without a gap and without a consumer on the server.
 *
 * What is written to the history stream passes by as a plain message too. That is the bell: it says which
 * commit to look for, and the stream itself says in which order commits stand. A bell that nobody heard
 * costs a late look, never a commit.
 */
import { type PastCommit, readEntry, readHistory } from './history.ts';
import { filterOf } from './observe.ts';
import type { ClientClock, ClientPorts } from './ports.ts';

/** Where to begin, and when to end. */
export interface FollowOptions {
  /** Commits with a `seq` above this. @default those that come from now on */
  readonly after?: number;
  readonly signal?: AbortSignal;
}

const PAGE_SIZE = 100;
/** Looks for a commit whose bell has rung, in milliseconds after the look before: it is stored at about the same time. The last pause is for those that were stored before. */
const LOOK_PAUSES_MS = [2, 10, 50, 250, 1_000] as const;
/** A look without a bell, in milliseconds: bells are lost with a connection. */
const UNASKED_LOOK_MS = 5_000;
/** Bells kept by name. A reader that is further behind finds its commits by reading on. */
const MOST_BELLS = 1_000;

/** Reads on and on. Reads the next page only when this one has been taken. @throws {WakebusError} as {@link readHistory}. */
export async function* followHistory(
  ports: ClientPorts,
  pattern: string,
  options: FollowOptions,
): AsyncGenerator<PastCommit, void, void> {
  const { signal } = options;
  using bell = new Bell(ports, pattern, signal);
  let after = options.after ?? (await ports.history.info()).lastSeq;
  while (!isOver(signal)) {
    const page = await readHistory(ports, pattern, { after, limit: PAGE_SIZE });
    for (const commit of page.commits) {
      bell.found(commit.commit);
      yield commit;
      if (isOver(signal)) return;
    }
    after = page.next;
    if (page.commits.length === 0) await bell.nextLook();
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

  constructor({ layout, messenger, clock }: ClientPorts, pattern: string, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
    this.#subscription = messenger.subscribe(layout.historySubject(filterOf(pattern)), ({ data }) => {
      const entry = readEntry(data);
      if (entry !== undefined) this.#ring(entry.commit);
    });
  }

  /** A commit was read: its bell is answered. */
  found(commit: string): void {
    this.#rung.delete(commit);
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

  #ring(commit: string): void {
    if (this.#rung.size < MOST_BELLS) this.#rung.add(commit);
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
