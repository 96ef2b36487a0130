/**
 * Watching and listing the keys of a bucket.
 *
 * A watch outlives its feeds: when one breaks, the next one starts over, what is known already is not
 * reported again, and a key that has vanished meanwhile (marker and all) is reported as absent.
 */
import { ClosedConnectionError, type Msg } from '@nats-io/transport-node';
import type { StoredValue, Watch } from '../ports/record-store.ts';
import { unavailable } from './jetstream-api.ts';
import { bucketKey, bucketStream, bucketSubject, isAbsence } from './kv-layout.ts';
import type { Link } from './link.ts';
import { OrderedFeed } from './ordered-feed.ts';
import type { HeaderBlock } from './wire-headers.ts';
import { ownData } from './wire-message.ts';

/** Wait before a broken feed is replaced, in milliseconds. */
const RESTART_MS = 100;

type OnChange = (key: string, value: StoredValue) => void;

export class BucketWatch implements Watch {
  readonly #link: Link;
  readonly #bucket: string;
  readonly #filter: string;
  readonly #onChange: OnChange;
  /** Revisions of the keys that are present, as last reported. */
  #present = new Map<string, number>();
  #feed: OrderedFeed | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;

  private constructor(link: Link, bucket: string, filter: string, onChange: OnChange) {
    this.#link = link;
    this.#bucket = bucket;
    this.#filter = filter;
    this.#onChange = onChange;
  }

  /** @throws {WakebusError} `UNAVAILABLE` when the first feed breaks before it has caught up; later ones are replaced. */
  static async start(link: Link, bucket: string, filter: string, onChange: OnChange): Promise<Watch> {
    checkOpen(link, bucket);
    const watch = new BucketWatch(link, bucket, filter, onChange);
    await new Promise<void>((resolve, reject) => {
      watch.#open(resolve, (cause) => reject(unavailable(`The bucket ${bucket}`, cause)));
    });
    return watch;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#restart);
    this.#feed?.stop();
  }

  #open(onFirst?: () => void, onFirstFailure?: (cause: Error) => void): void {
    const before = this.#present;
    let caughtUp = false;
    this.#present = new Map();
    this.#feed = new OrderedFeed(this.#link, {
      stream: bucketStream(this.#bucket),
      filter: bucketSubject(this.#bucket, this.#filter),
      headersOnly: false,
      onMessage: (message, block, seq) => this.#take(message, block, seq, caughtUp ? this.#present : before),
      onCaughtUp: () => {
        caughtUp = true;
        this.#reportVanished(before);
        onFirst?.();
      },
      onBroken: (cause) => {
        if (!caughtUp) this.#present = new Map([...before, ...this.#present]);
        if (!caughtUp && onFirstFailure !== undefined) onFirstFailure(cause);
        else this.#openLater();
      },
    });
  }

  #openLater(): void {
    if (this.#stopped) return;
    this.#restart = setTimeout(() => {
      if (!this.#link.isEnding) this.#open();
    }, RESTART_MS).unref();
  }

  #take(message: Msg, block: HeaderBlock, revision: number, known: ReadonlyMap<string, number>): void {
    const key = bucketKey(this.#bucket, message.subject);
    const absent = isAbsence(block.headers);
    const isNews = known.get(key) !== revision;
    if (absent) this.#present.delete(key);
    else this.#present.set(key, revision);
    if (isNews) this.#onChange(key, { bytes: absent ? undefined : ownData(message), revision });
  }

  /** A marker lives for a few seconds only: a key that is gone without one was removed before that. */
  #reportVanished(before: ReadonlyMap<string, number>): void {
    for (const key of before.keys()) {
      if (!this.#present.has(key)) this.#onChange(key, { bytes: undefined, revision: 0 });
    }
  }
}

/** The keys that match a filter, without absent ones. @throws {WakebusError} `UNAVAILABLE`. */
export async function listKeys(link: Link, bucket: string, filter: string): Promise<string[]> {
  checkOpen(link, bucket);
  const keys = new Set<string>();
  return new Promise((resolve, reject) => {
    const feed = new OrderedFeed(link, {
      stream: bucketStream(bucket),
      filter: bucketSubject(bucket, filter),
      headersOnly: true,
      onMessage: (message, block) => {
        const key = bucketKey(bucket, message.subject);
        if (isAbsence(block.headers)) keys.delete(key);
        else keys.add(key);
      },
      onCaughtUp: () => {
        feed.stop();
        resolve([...keys]);
      },
      onBroken: (cause) => reject(unavailable(`The bucket ${bucket}`, cause)),
    });
  });
}

/** A connection that is ending takes no new feeds. */
function checkOpen(link: Link, bucket: string): void {
  if (link.isEnding) throw unavailable(`The bucket ${bucket}`, new ClosedConnectionError());
}
