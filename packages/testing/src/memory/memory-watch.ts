/**
 * {@link Watch} over one bucket: present values first, then changes.
 *
 * After a reconnect it starts over; what was reported is not reported again, and a key that has
 * vanished meanwhile is reported as absent.
 */
import type { StoredValue, Watch } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import type { Link, Way } from './environment.ts';
import type { MemoryBucket } from './memory-bucket.ts';
import { subjectTest } from './subjects.ts';

type OnChange = (key: string, value: StoredValue) => void;

export class MemoryWatch implements Watch {
  readonly #bucket: MemoryBucket;
  readonly #link: Link;
  readonly #filter: string;
  readonly #onChange: OnChange;
  readonly #requests: Way;
  readonly #changes: Way;
  /** Revisions as last reported to the node. */
  readonly #reported = new Map<string, number>();
  readonly #endings: Array<() => void> = [];
  #unlisten: (() => void) | undefined;
  #stopped = false;

  private constructor(bucket: MemoryBucket, link: Link, filter: string, onChange: OnChange) {
    this.#bucket = bucket;
    this.#link = link;
    this.#filter = filter;
    this.#onChange = onChange;
    this.#requests = link.toServer(`watch ${bucket.name}`);
    this.#changes = link.toNode(`changes ${bucket.name}`);
  }

  /** @throws {WakebusError} `UNAVAILABLE`. */
  static async start(bucket: MemoryBucket, link: Link, filter: string, onChange: OnChange): Promise<Watch> {
    const watch = new MemoryWatch(bucket, link, filter, onChange);
    const present = await link.call({
      way: watch.#requests,
      label: 'watch',
      kind: 'write',
      atServer: () => watch.#open(),
      unanswered: () => watch.#abandon(),
    });
    for (const [key, value] of present) watch.#report(key, value);
    watch.#endings.push(
      link.onReconnect(() => watch.#reopen()),
      link.onDisconnect(() => watch.#close()),
    );
    return watch;
  }

  stop(): void {
    this.#stopped = true;
    for (const end of this.#endings) end();
    this.#link.send(this.#requests, 'stop watching', () => this.#close());
  }

  #abandon(): never {
    this.stop();
    throw new WakebusError('UNAVAILABLE', { what: `The bucket ${this.#bucket.name}` });
  }

  /** In the server: listens from now on. @returns the present values. */
  #open(): Array<[string, StoredValue]> {
    this.#close();
    if (this.#stopped) return [];
    const test = subjectTest(this.#filter);
    this.#unlisten = this.#bucket.listen((key, { bytes, revision }) => {
      if (test(key)) this.#send(key, { bytes: bytes?.slice(), revision });
    });
    return this.#bucket.present(this.#filter);
  }

  #close(): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  #reopen(): void {
    this.#link.send(this.#requests, 'watch again', () => {
      const present = this.#open();
      this.#link.deliver(this.#changes, 'present values', () => {
        const keys = new Set(present.map(([key]) => key));
        for (const [key, value] of present) this.#report(key, value);
        for (const key of [...this.#reported.keys()].filter((known) => !keys.has(known)))
          this.#report(key, { bytes: undefined, revision: 0 });
      });
    });
  }

  #send(key: string, value: StoredValue): void {
    this.#link.deliver(this.#changes, 'change', () => this.#report(key, value));
  }

  #report(key: string, value: StoredValue): void {
    if (this.#stopped || this.#reported.get(key) === value.revision) return;
    if (value.bytes === undefined) this.#reported.delete(key);
    else this.#reported.set(key, value.revision);
    this.#onChange(key, value);
  }
}
