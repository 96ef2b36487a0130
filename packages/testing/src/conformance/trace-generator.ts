/**
 * Random traces, as fast-check arbitraries: it draws them by a seed and makes a failing one small.
 */
import * as fc from 'fast-check';
import {
  type BucketName,
  BUCKETS,
  type Expectation,
  type Index,
  LOGS,
  type LogName,
  type Process,
  type Size,
  type Trace,
  type TraceOperation,
  type Whose,
} from './operation.ts';

/** Partitions of the deployments that traces run on. */
export const TRACE_PARTITIONS = 2;

export interface TraceOptions {
  /** Operations at most. */
  readonly maxLength: number;
  /** Whether servers may be restarted: only where no other trace runs on them. */
  readonly restarts?: boolean;
}

/** Traces with a preference for what belongs together: each is about a few subjects, not about everything. */
export function traces({ maxLength, restarts = false }: TraceOptions): fc.Arbitrary<Trace> {
  const size = { minLength: 1, maxLength, size: 'max' } as const;
  const restart = restarts ? [{ weight: 1, arbitrary: fc.constant<TraceOperation>({ do: 'restart' }) }] : [];
  const mix = (...parts: Array<[number, fc.Arbitrary<TraceOperation>]>): fc.Arbitrary<Trace> =>
    fc.array(fc.oneof(...parts.map(([weight, arbitrary]) => ({ weight, arbitrary })), ...restart), size);
  return fc.oneof(
    mix([6, appends('inbox')], [3, reads('inbox')], [6, consumption], [1, timers], [1, waits]),
    mix([6, appends(...LOGS)], [6, reads(...LOGS)], [1, chunks], [1, waits]),
    mix([6, records(...BUCKETS)], [1, waits], [1, chunks]),
    mix([6, records('leases')], [2, waits]),
    mix([4, timers], [2, appends('inbox')], [2, reads('inbox')], [2, consumption], [2, waits]),
    mix(
      [4, appends('inbox', 'held')],
      [3, reads('inbox', 'held')],
      [4, consumption],
      [2, records('agents')],
      [1, timers],
    ),
  );
}

const index = fc.constantFrom<Index>(0, 1, 2);
const whose = fc.constantFrom<Whose>(0, 1, 'all');
const process = fc.constantFrom<Process>(0, 1);
const partition = fc.constantFrom(...Array.from({ length: TRACE_PARTITIONS }, (_, i) => i));
const expectation = fc.constantFrom<Expectation>('last', 'last', 'none', 'older', 'beyond');
const rank = fc.constantFrom(0, 1, 9);
const back = fc.nat({ max: 4 });

/** Mostly small: a large one costs a server more than all others together. */
const size = fc.oneof(
  { weight: 30, arbitrary: fc.constant<Size>('small') },
  { weight: 3, arbitrary: fc.constant<Size>('empty') },
  { weight: 1, arbitrary: fc.constantFrom<Size>('large', 'huge') },
);

/** An optional field is there or not, as its port has it. */
function sometimes<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

function defined(operation: object): TraceOperation {
  return Object.fromEntries(Object.entries(operation).filter(([, value]) => value !== undefined)) as TraceOperation;
}

function shape<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<TraceOperation> {
  return fc.record(model).map(defined);
}

function just(name: TraceOperation['do']): fc.Arbitrary<string> {
  return fc.constant(name);
}

function appends(...logs: LogName[]): fc.Arbitrary<TraceOperation> {
  const log = fc.constantFrom(...logs);
  return fc.oneof(
    {
      weight: 5,
      arbitrary: shape({
        do: just('append'),
        log,
        agent: index,
        by: process,
        id: sometimes(index),
        expect: sometimes(expectation),
        size,
        headers: sometimes(fc.constant(true)),
        runtime: sometimes(fc.constant(true)),
      }),
    },
    { weight: 1, arbitrary: shape({ do: just('append later'), log, agent: index, id: sometimes(index) }) },
  );
}

function reads(...logs: LogName[]): fc.Arbitrary<TraceOperation> {
  const log = fc.constantFrom(...logs);
  return fc.oneof(
    shape({
      do: just('read'),
      log,
      whose,
      from: fc.constantFrom('start', 'last', 'beyond'),
      limit: fc.constantFrom(1, 2, 100),
    }),
    shape({ do: just('get'), log, agent: index, at: fc.constantFrom('last', 'older', 'beyond') }),
    shape({ do: just('last'), log, whose }),
    shape({ do: just('subjects'), log, whose }),
    shape({ do: just('info'), log }),
    shape({ do: just('purge'), log, whose }),
  );
}

function records(...buckets: BucketName[]): fc.Arbitrary<TraceOperation> {
  const bucket = fc.constantFrom(...buckets);
  const ttlMs = fc.constantFrom(500, 1_000, 1_000, 1_700, 2_400);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: shape({
        do: just('put'),
        bucket,
        key: index,
        by: process,
        expect: expectation,
        size,
        ttlMs: sometimes(ttlMs),
      }),
    },
    { weight: 2, arbitrary: shape({ do: just('remove'), bucket, key: index, by: process, expect: expectation }) },
    { weight: 2, arbitrary: shape({ do: just('get record'), bucket, key: index, fresh: fc.boolean() }) },
    { weight: 1, arbitrary: shape({ do: just('keys'), bucket, whose }) },
    { weight: 1, arbitrary: shape({ do: just('scan'), bucket, limit: fc.constantFrom(1, 2, 100) }) },
    { weight: 1, arbitrary: shape({ do: just('watch'), bucket, whose }) },
    { weight: 1, arbitrary: shape({ do: just('race'), bucket, key: index, expect: expectation }) },
  );
}

const chunks: fc.Arbitrary<TraceOperation> = fc.oneof(
  shape({ do: just('put chunk'), chunk: index, size }),
  shape({ do: just('get chunk'), chunk: index }),
);

const timers: fc.Arbitrary<TraceOperation> = fc.oneof(
  {
    weight: 3,
    arbitrary: shape({
      do: just('arm'),
      agent: index,
      timer: index,
      dueInMs: fc.constantFrom(-60_000, 1_000, 2_000, 3_600_000),
    }),
  },
  { weight: 1, arbitrary: shape({ do: just('cancel'), agent: index, timer: index }) },
  { weight: 1, arbitrary: shape({ do: just('timers'), agent: index }) },
);

const consumption: fc.Arbitrary<TraceOperation> = fc.oneof(
  {
    weight: 3,
    arbitrary: shape({
      do: just('consume'),
      by: process,
      partition,
      rank,
      ackWaitMs: fc.constantFrom(1_000, 30_000, 30_000),
      types: fc.constantFrom(1, 1, 2),
    }),
  },
  { weight: 3, arbitrary: shape({ do: just('ack'), back }) },
  { weight: 1, arbitrary: shape({ do: just('working'), back }) },
  { weight: 2, arbitrary: shape({ do: just('nak'), back, delayMs: fc.constantFrom(0, 0, 600) }) },
  { weight: 1, arbitrary: shape({ do: just('stop'), by: process, partition }) },
  { weight: 1, arbitrary: shape({ do: just('set rank'), by: process, partition, rank }) },
  { weight: 1, arbitrary: shape({ do: just('lose consumer'), partition }) },
);

const waits: fc.Arbitrary<TraceOperation> = fc.constantFrom<TraceOperation>(
  { do: 'wait', ms: 50 },
  { do: 'wait', ms: 1_200 },
);
