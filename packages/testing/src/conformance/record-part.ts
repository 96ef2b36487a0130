/**
 * The operations of a trace on buckets, as one side runs them.
 */
import type { Ports, PutOutcome, RecordStore, StoredValue, Watch } from '@wakebus/placement-node';
import {
  BUCKETS,
  type BucketName,
  type Expectation,
  type Index,
  NAMES,
  type Process,
  type TraceOperation,
  type Whose,
} from './operation.ts';
import { type Outcome, ofBytes, ofPut, ofValue } from './outcome.ts';
import type { Moment } from './moment.ts';
import type { Scene } from './scene.ts';

/** Who reads what any replica may answer: not the first writer, so that in a cluster another server is asked. */
const READER: Process = 1;
const BEYOND = 1_000;
/** Who writes in a race, in the order of sending. */
const RACERS: readonly Process[] = [0, 1, 0, 1];

export type RecordPartOperation = Extract<
  TraceOperation,
  { do: 'put' | 'remove' | 'get record' | 'keys' | 'scan' | 'watch' | 'race' }
>;

/** What a watch was told, oldest first. */
interface Watched {
  readonly watch: Watch;
  readonly reports: Array<{ readonly key: string; readonly value: Outcome }>;
}

export class RecordPart {
  readonly #processes: readonly [Ports, Ports];
  readonly #scene: Scene;
  /** Revisions of the writes of each key, oldest first. */
  readonly #revisions = new Map<string, number[]>();
  readonly #bases = new Map<BucketName, number>();
  readonly #watches: Watched[] = [];

  constructor(processes: readonly [Ports, Ports], scene: Scene) {
    this.#processes = processes;
    this.#scene = scene;
  }

  /** Notes where the revisions of each bucket stand. */
  async begin(): Promise<void> {
    for (const bucket of BUCKETS) {
      const outcome = await this.#store(bucket).put(this.#scene.originKey, new Uint8Array(0), 0);
      if (outcome.kind !== 'stored') throw new Error(`The bucket ${bucket} takes no first write: ${outcome.kind}`);
      this.#bases.set(bucket, outcome.revision);
    }
  }

  async apply(operation: RecordPartOperation, moment: Moment): Promise<Outcome> {
    const { bucket } = operation;
    const base = this.#base(bucket);
    const store = this.#store(bucket);
    switch (operation.do) {
      case 'put':
        return this.#put(operation, moment);
      case 'remove': {
        const { key, by, expect } = operation;
        const outcome = await this.#store(bucket, by).remove(this.#scene.key(key), this.#expected(bucket, key, expect));
        return ofPut(this.#noted(bucket, key, outcome), base);
      }
      case 'get record': {
        const { key, fresh } = operation;
        const value = await (fresh
          ? store.getFresh(this.#scene.key(key))
          : this.#store(bucket, READER).get(this.#scene.key(key)));
        if (fresh) this.#note(bucket, key, value.revision);
        return ofValue(value, base);
      }
      case 'keys':
        return (await store.keys(this.#scene.keyFilter(operation.whose)))
          .filter((key) => key !== this.#scene.originKey)
          .toSorted();
      case 'scan':
        return this.#scan(bucket, operation.limit);
      case 'watch':
        return this.#watch(bucket, operation.whose);
      default:
        return this.#race(operation, moment);
    }
  }

  /** What each watch takes for the present state, and how many changes it was told at least once. */
  watched(): Outcome {
    return this.#watches.map(({ reports }) => sorted(new Map(reports.map(({ key, value }) => [key, value]))));
  }

  /** All reports of each watch, oldest first. */
  reports(): ReadonlyArray<readonly string[]> {
    return this.#watches.map(({ reports }) => reports.map((report) => JSON.stringify(report)));
  }

  /** Every key of every bucket, as the leader says. */
  async contents(): Promise<Outcome> {
    const all: Record<string, Outcome> = {};
    for (const bucket of BUCKETS) {
      const values: Outcome[] = [];
      for (let key = 0; key < NAMES; key += 1)
        values.push(ofValue(await this.#store(bucket).getFresh(this.#scene.key(key as Index)), this.#base(bucket)));
      all[bucket] = values;
    }
    return all;
  }

  /** Stops watching, and makes permanent what would expire: an expiry takes a revision, which the next trace would see. */
  async end(): Promise<void> {
    for (const { watch } of this.#watches) watch.stop();
    const leases = this.#store('leases');
    for (let index = 0; index < NAMES; index += 1) {
      const key = this.#scene.key(index as Index);
      const { revision } = await leases.getFresh(key);
      if (revision > 0) await leases.put(key, new Uint8Array(0), revision);
    }
  }

  #store(bucket: BucketName, by: Process = 0): RecordStore {
    return this.#processes[by][bucket];
  }

  #base(bucket: BucketName): number {
    return this.#bases.get(bucket) ?? 0;
  }

  async #put(operation: Extract<RecordPartOperation, { do: 'put' }>, { index }: Moment): Promise<Outcome> {
    const { bucket, key, by, expect, ttlMs, size } = operation;
    const options = ttlMs === undefined ? undefined : { ttlMs };
    const expected = this.#expected(bucket, key, expect);
    const outcome = await this.#store(bucket, by).put(
      this.#scene.key(key),
      this.#scene.body(`value ${index}`, size),
      expected,
      options,
    );
    return ofPut(this.#noted(bucket, key, outcome), this.#base(bucket));
  }

  async #race(
    { bucket, key, expect }: Extract<RecordPartOperation, { do: 'race' }>,
    { index, choice }: Moment,
  ): Promise<Outcome> {
    const expected = this.#expected(bucket, key, expect);
    const outcomes: Outcome[] = [];
    const winner = choice?.winner ?? 0;
    const write = async (i: number): Promise<void> => {
      choice?.beforeWrite(i);
      const store = this.#store(bucket, RACERS[i]);
      const outcome = await store.put(this.#scene.key(key), this.#scene.body(`value ${index} of ${i}`), expected);
      outcomes[i] = ofPut(this.#noted(bucket, key, outcome), this.#base(bucket));
    };
    const order = [winner, ...RACERS.map((_, i) => i).filter((i) => i !== winner)];
    await Promise.all(order.map(write));
    return outcomes;
  }

  async #scan(bucket: BucketName, limit: number): Promise<Outcome> {
    const base = this.#base(bucket);
    const { values, nextRevision } = await this.#store(bucket, READER).scan(base + 1, limit);
    return {
      values: values.map(({ key, bytes, revision }) => [key, ofBytes(bytes), revision - base]),
      next: nextRevision === undefined ? null : nextRevision - base,
    };
  }

  async #watch(bucket: BucketName, whose: Whose): Promise<Outcome> {
    const reports: Watched['reports'] = [];
    const onChange = (key: string, value: StoredValue): void => {
      if (key !== this.#scene.originKey) reports.push({ key, value: ofValue(value, this.#base(bucket)) });
    };
    this.#watches.push({ watch: await this.#store(bucket).watch(this.#scene.keyFilter(whose), onChange), reports });
    return reports.map(({ key, value }) => [key, value]);
  }

  #expected(bucket: BucketName, key: Index, expectation: Expectation): number {
    const revisions = this.#revisions.get(`${bucket} ${key}`) ?? [];
    if (expectation === 'none') return 0;
    if (expectation === 'beyond') return this.#base(bucket) + BEYOND;
    return revisions.at(expectation === 'last' ? -1 : -2) ?? 0;
  }

  #noted(bucket: BucketName, key: Index, outcome: PutOutcome): PutOutcome {
    if (outcome.kind === 'stored') this.#note(bucket, key, outcome.revision);
    return outcome;
  }

  #note(bucket: BucketName, key: Index, revision: number): void {
    const revisions = this.#revisions.get(`${bucket} ${key}`) ?? [0];
    if (revision > (revisions.at(-1) as number)) this.#revisions.set(`${bucket} ${key}`, [...revisions, revision]);
  }
}

function sorted(map: ReadonlyMap<string, Outcome>): Outcome {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
