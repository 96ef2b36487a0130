/**
 * The durable consumer of a stream source: created where it is missing, and refused where somebody has made it
 * otherwise.
 *
 * Up to where all is done is remembered beside it. So a consumer that was removed, as when the stream is moved, goes
 * on from there, unless the stream is another one now.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { WakebusError } from '@wakebus/protocol';
import type { SourceSink } from '../source.ts';
import type { StreamPlan, StreamStart } from './stream-source.ts';

const STREAM_NOT_FOUND = 10_059;
const CONSUMER_NOT_FOUND = 10_014;
const FROM = 'wakebus-from';
/** Up to where all is done. */
const PLACE = 'place';

/** Where a source has got to, as it is remembered. */
interface Place {
  /** Birth of the stream, in milliseconds since the epoch: its sequences mean nothing in another. */
  readonly bornMs: number;
  readonly seq: number;
}

/** The stream and the consumer that a source reads by. */
export interface Reading {
  readonly consumer: string;
  /** Birth of the stream, in milliseconds since the epoch. */
  readonly bornMs: number;
}

/** Finds the stream and the consumer, or makes the latter. @throws {WakebusError} `SOURCE_MISCONFIGURED`, `UNAVAILABLE`. */
export async function settleConsumer(jsm: JetStreamManager, plan: StreamPlan, sink: SourceSink): Promise<Reading> {
  const stream = await findStream(jsm, plan, sink);
  const consumer = consumerName(plan, sink);
  const bornMs = Date.parse(stream.created);
  const present = await orMissing(jsm.consumers.info(plan.stream, consumer), CONSUMER_NOT_FOUND);
  const wanted = wantedConsumer(plan, consumer);
  if (present === undefined) await create(jsm, plan, sink, { ...wanted, ...(await startOf(plan, sink, stream)) });
  else {
    check(plan, sink, present, wanted);
    await jsm.consumers.update(plan.stream, consumer, pacing(plan));
  }
  return { consumer, bornMs };
}

/** Remembers up to where all is done, for the case that the consumer goes. @throws {WakebusError} `UNAVAILABLE`. */
export async function rememberPlace(
  jsm: JetStreamManager,
  plan: StreamPlan,
  sink: SourceSink,
  reading: Reading,
): Promise<void> {
  const { ack_floor: floor } = await jsm.consumers.info(plan.stream, reading.consumer);
  const { value, revision } = await sink.state.get<Place>(placeKey(plan));
  const place: Place = { bornMs: reading.bornMs, seq: floor.stream_seq };
  if (value?.bornMs === place.bornMs && value.seq >= place.seq) return;
  // Another process was faster: it knows as well.
  await sink.state.put(placeKey(plan), place, revision);
}

function placeKey({ replay }: StreamPlan): string {
  return replay === undefined ? PLACE : `${PLACE}-${replay}`;
}

function consumerName({ name, replay }: StreamPlan, { prefix }: SourceSink): string {
  return [prefix, 'source', name, ...(replay === undefined ? [] : [replay])].join('_');
}

async function findStream(jsm: JetStreamManager, { stream }: StreamPlan, { name }: SourceSink): Promise<StreamInfo> {
  const found = await orMissing(jsm.streams.info(stream), STREAM_NOT_FOUND);
  if (found !== undefined) return found;
  throw misconfigured(name, `the stream ${stream}`, 'not there', 'created by whoever publishes to it');
}

/** What may be another at each start. */
function pacing({ ackWaitMs, inFlight }: StreamPlan): { readonly ack_wait: number; readonly max_ack_pending: number } {
  return { ack_wait: ackWaitMs * 1e6, max_ack_pending: inFlight };
}

function wantedConsumer(plan: StreamPlan, name: string): Partial<ConsumerConfig> {
  const { subjects, from } = plan;
  return {
    durable_name: name,
    description: 'A source of Wakebus agents',
    ack_policy: AckPolicy.Explicit,
    // What JetStream silently stops delivering is lost: giving up is the source's own decision.
    max_deliver: -1,
    ...pacing(plan),
    ...(subjects.length > 0 && { filter_subjects: [...subjects] }),
    metadata: { [FROM]: JSON.stringify(from) },
  };
}

async function create(
  jsm: JetStreamManager,
  { stream }: StreamPlan,
  { name }: SourceSink,
  config: Partial<ConsumerConfig>,
): Promise<void> {
  try {
    await jsm.consumers.add(stream, config);
  } catch (cause) {
    if (!(cause instanceof JetStreamApiError)) throw new WakebusError('UNAVAILABLE', { what: 'JetStream' }, { cause });
    throw misconfigured(name, `a consumer of the stream ${stream}`, `refused (${cause.message})`, 'allowed there');
  }
}

/** Where a consumer begins that is made now: where the one before had got to, or else as the options say. */
async function startOf(plan: StreamPlan, sink: SourceSink, stream: StreamInfo): Promise<Partial<ConsumerConfig>> {
  const { value: place } = await sink.state.get<Place>(placeKey(plan));
  if (place !== undefined && place.bornMs === Date.parse(stream.created)) {
    sink.warn('the consumer of a source was removed; it goes on where it was', { stream: plan.stream, ...place });
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: place.seq + 1 };
  }
  return policyOf(plan.from);
}

function policyOf(from: StreamStart): Partial<ConsumerConfig> {
  if (from === 'all') return { deliver_policy: DeliverPolicy.All };
  if (from === 'new') return { deliver_policy: DeliverPolicy.New };
  if ('seq' in from) return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.seq };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from.timeMs).toISOString() };
}

/** @throws {WakebusError} `SOURCE_MISCONFIGURED`: it would lose messages, or others than are meant would come. */
function check(
  plan: StreamPlan,
  { name }: SourceSink,
  { config }: ConsumerInfo,
  wanted: Partial<ConsumerConfig>,
): void {
  const filters = config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject]);
  const facts: ReadonlyArray<readonly [string, unknown, unknown]> = [
    ['the acknowledgement policy', config.ack_policy, wanted.ack_policy],
    ['the number of deliveries', config.max_deliver, wanted.max_deliver],
    ['its subjects', filters.toSorted().join(' '), plan.subjects.toSorted().join(' ')],
    ['its start', config.metadata?.[FROM], wanted.metadata?.[FROM]],
  ];
  for (const [what, actual, needed] of facts)
    if (actual !== needed)
      throw misconfigured(
        name,
        `${what} of the consumer ${config.durable_name ?? ''} in the stream ${plan.stream}`,
        String(actual),
        `${String(needed)}: put the option back, name a replay, or remove the consumer`,
      );
}

async function orMissing<T>(asked: Promise<T>, missing: number): Promise<T | undefined> {
  try {
    return await asked;
  } catch (cause) {
    if (cause instanceof JetStreamApiError && cause.code === missing) return undefined;
    throw new WakebusError('UNAVAILABLE', { what: 'JetStream' }, { cause });
  }
}

function misconfigured(source: string, what: string, actual: string, needed: string): WakebusError {
  return new WakebusError('SOURCE_MISCONFIGURED', { source, what, actual, needed });
}
