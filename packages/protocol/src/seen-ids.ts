/**
 * Message IDs that an agent has processed, kept for the whole dedupe horizon.
 *
 * An exact set, never a high-water mark. It stays small in two ways: an ID that ends in a number is
 * one point of a range under its stem (`order-17` is 17 under `order-`), so that numbered senders cost
 * one entry; and IDs age in buckets, each dropped whole once it is older than the horizon.
 */

/** One span of time: its start, and the IDs first seen in it. Ranges are `[from, to, from, to, …]`, ascending. */
export interface SeenBucket {
  readonly sinceMs: number;
  readonly plain: readonly string[];
  readonly ranges: ReadonlyArray<readonly [stem: string, spans: readonly number[]]>;
  /** Hash of the chunk that holds this bucket's IDs where they outgrew the record. */
  readonly chunk?: string;
}

/** Oldest bucket first. */
export type SeenIds = readonly SeenBucket[];

/** Buckets a horizon: an ID is kept for at least the horizon, and at most an eighth longer. */
export const BUCKETS_PER_HORIZON = 8;

const NUMBERED = /^(.*?[^0-9]|)(0|[1-9][0-9]{0,14})$/s;

/** A mutable index over {@link SeenIds}, held while a session is awake. */
export class SeenIndex {
  readonly #horizonMs: number;
  #buckets: MutableBucket[];

  /**
   * @param horizonMs - How long an ID is remembered, in milliseconds.
   * @param contents - Fetches the content of a chunk that a bucket names.
   */
  constructor(seen: SeenIds, horizonMs: number, contents: ReadonlyMap<string, SeenBucket> = new Map()) {
    this.#horizonMs = horizonMs;
    this.#buckets = seen.map((bucket) =>
      openBucket(bucket, bucket.chunk === undefined ? undefined : contents.get(bucket.chunk)),
    );
  }

  /** A copy that changes by itself: for a turn that may have to be taken again. */
  fork(): SeenIndex {
    const copy = new SeenIndex([], this.#horizonMs);
    copy.#buckets = this.#buckets.map((bucket) => ({
      ...bucket,
      plain: new Set(bucket.plain),
      ranges: new Map([...bucket.ranges].map(([stem, spans]) => [stem, [...spans]])),
    }));
    return copy;
  }

  /** IDs and ranges that stand in the record itself. */
  get unspilled(): number {
    return this.#buckets.reduce(
      (sum, bucket) => sum + (bucket.chunk === undefined ? bucket.plain.size + bucket.ranges.size : 0),
      0,
    );
  }

  has(id: string): boolean {
    const split = NUMBERED.exec(id);
    const stem = split?.[1];
    const number = split === null ? 0 : Number(split[2]);
    return this.#buckets.some((bucket) =>
      stem === undefined ? bucket.plain.has(id) : inSpans(bucket.ranges.get(stem), number),
    );
  }

  add(id: string, nowMs: number): void {
    const bucket = this.#current(nowMs);
    const split = NUMBERED.exec(id);
    if (split === null) {
      bucket.plain.add(id);
    } else {
      const [, stem = '', digits] = split;
      const spans = bucket.ranges.get(stem);
      if (spans === undefined) bucket.ranges.set(stem, [Number(digits), Number(digits)]);
      else addToSpans(spans, Number(digits));
    }
    bucket.frozen = undefined;
  }

  /** Forgets what is older than the horizon. */
  expire(nowMs: number): void {
    const bucketMs = this.#horizonMs / BUCKETS_PER_HORIZON;
    if ((this.#buckets[0]?.sinceMs ?? nowMs) + bucketMs + this.#horizonMs <= nowMs) {
      this.#buckets = this.#buckets.filter((bucket) => bucket.sinceMs + bucketMs + this.#horizonMs > nowMs);
    }
  }

  /** What goes into the record. Unchanged buckets keep their object, so nothing is copied twice. */
  toSeen(): SeenIds {
    return this.#buckets.map(freezeBucket);
  }

  /**
   * Takes everything in memory that no chunk holds yet and names a chunk for it.
   *
   * @param store - Puts the content away and returns the hash that names it.
   */
  async spill(store: (content: SeenBucket) => Promise<string>): Promise<void> {
    for (const bucket of this.#buckets) {
      const content = contentOf(bucket);
      if (bucket.chunk === undefined && content.plain.length + content.ranges.length > 0) {
        bucket.chunk = await store(content);
        bucket.frozen = { sinceMs: bucket.sinceMs, plain: [], ranges: [], chunk: bucket.chunk };
      }
    }
  }

  /** Forgets what only chunks hold: they are gone, and an operator has decided to go on without. */
  forgetSpilled(): void {
    this.#buckets = this.#buckets.filter(({ chunk }) => chunk === undefined);
  }

  #current(nowMs: number): MutableBucket {
    const last = this.#buckets.at(-1);
    if (last !== undefined && last.chunk === undefined && nowMs < last.sinceMs + this.#horizonMs / BUCKETS_PER_HORIZON)
      return last;
    const bucket = openBucket({ sinceMs: Math.max(nowMs, last?.sinceMs ?? 0), plain: [], ranges: [] });
    this.#buckets.push(bucket);
    return bucket;
  }
}

interface MutableBucket {
  readonly sinceMs: number;
  readonly plain: Set<string>;
  readonly ranges: Map<string, number[]>;
  chunk: string | undefined;
  frozen: SeenBucket | undefined;
}

function openBucket(bucket: SeenBucket, content: SeenBucket = bucket): MutableBucket {
  return {
    sinceMs: bucket.sinceMs,
    plain: new Set(content.plain),
    ranges: new Map(content.ranges.map(([stem, spans]) => [stem, [...spans]])),
    chunk: bucket.chunk,
    frozen: bucket,
  };
}

function contentOf(bucket: MutableBucket): SeenBucket {
  return {
    sinceMs: bucket.sinceMs,
    plain: [...bucket.plain],
    ranges: [...bucket.ranges].map(([stem, spans]) => [stem, [...spans]] as const),
  };
}

function freezeBucket(bucket: MutableBucket): SeenBucket {
  bucket.frozen ??= contentOf(bucket);
  return bucket.frozen;
}

function inSpans(spans: readonly number[] | undefined, number: number): boolean {
  if (spans === undefined) return false;
  for (let i = spans.length - 2; i >= 0; i -= 2) {
    if ((spans[i] as number) <= number) return number <= (spans[i + 1] as number);
  }
  return false;
}

/** Inserts a number, joining the spans that it touches. Searched from the end: numbers mostly rise. */
function addToSpans(spans: number[], number: number): void {
  let i = spans.length - 2;
  while (i >= 0 && (spans[i] as number) > number) i -= 2;
  const touchesLeft = i >= 0 && (spans[i + 1] as number) >= number - 1;
  const touchesRight = i + 2 < spans.length && spans[i + 2] === number + 1;
  if (touchesLeft && number <= (spans[i + 1] as number)) return;
  if (touchesLeft && touchesRight) spans.splice(i + 1, 2);
  else if (touchesLeft) spans[i + 1] = number;
  else if (touchesRight) spans[i + 2] = number;
  else spans.splice(i + 2, 0, number, number);
}
