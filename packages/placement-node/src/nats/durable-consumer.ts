/**
 * Creates a durable pull consumer, or adds filters to it where it is there already.
 *
 * Placement nodes do this at the same time and the server has no compare-and-set for it: an update may
 * undo another's. So the result is read back here, and `consumption.ts` looks again a while later.
 */
import type { ConsumerSpec } from '../ports/event-log.ts';
import { ApiError } from './api-error.ts';
import { callApi } from './jetstream-api.ts';
import type { RequestMux, RequestOptions } from './request-mux.ts';

/** The priority group of every consumer. The name means nothing; the server asks for one. */
export const PRIORITY_GROUP = 'pool';

/** Set in the consumer's metadata from the moment when filters are added until its position is reset. */
const RESET_DUE = 'wakebus.reset_due';

const CONSUMER_NOT_FOUND = 10_014;
/** Created meanwhile by another, with other filters. */
const CONSUMER_EXISTS: ReadonlySet<number> = new Set([10_013, 10_105, 10_148]);
/** More rounds than placement nodes can start in one moment and undo each other. */
const MOST_ROUNDS = 20;

/**
 * How long the server may take, in milliseconds: a cluster elects a leader for each new consumer, 90 ms
 * apiece, and a placement node that starts asks for all partitions at once.
 */
const PATIENT: RequestOptions = { timeoutMs: 15_000 };

interface ConsumerConfig {
  readonly durable_name: string;
  readonly ack_wait: number;
  readonly filter_subject?: string;
  readonly filter_subjects?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly [option: string]: unknown;
}

/**
 * Sees to it that a consumer delivers at least what a spec asks for.
 *
 * @throws {ApiError} when the server refuses; NoReplyError when it does not answer.
 */
export async function ensureConsumer(mux: RequestMux, stream: string, spec: ConsumerSpec): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const present = await readConfig(mux, stream, spec.name);
    if (present === undefined) await write(mux, stream, newConfig(spec), 'create');
    else if (!satisfies(present, spec)) await write(mux, stream, unitedConfig(present, spec), 'update');
    else if (present.metadata?.[RESET_DUE] === undefined) return;
    else await reset(mux, stream, present);
  }
  throw new Error(`The filters of consumer ${spec.name} keep being undone by others`);
}

async function readConfig(mux: RequestMux, stream: string, name: string): Promise<ConsumerConfig | undefined> {
  try {
    return (await callApi<{ config: ConsumerConfig }>(mux, `CONSUMER.INFO.${stream}.${name}`, undefined, PATIENT))
      .config;
  } catch (error) {
    if (error instanceof ApiError && error.errorCode === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  }
}

async function write(
  mux: RequestMux,
  stream: string,
  config: ConsumerConfig,
  action: 'create' | 'update',
): Promise<void> {
  try {
    await callApi(
      mux,
      `CONSUMER.CREATE.${stream}.${config.durable_name}`,
      { stream_name: stream, config, action },
      PATIENT,
    );
  } catch (error) {
    if (!(error instanceof ApiError) || !CONSUMER_EXISTS.has(error.errorCode)) throw error;
  }
}

/**
 * Starts the consumer over. It has moved past older messages that match only its new filters, and would
 * never deliver them; those that are unacknowledged come once more, and their count starts anew.
 */
async function reset(mux: RequestMux, stream: string, present: ConsumerConfig): Promise<void> {
  const { [RESET_DUE]: _due, ...metadata } = present.metadata ?? {};
  await callApi(mux, `CONSUMER.RESET.${stream}.${present.durable_name}`, { seq: 1 }, PATIENT);
  await write(mux, stream, { ...present, metadata }, 'update');
}

function newConfig(spec: ConsumerSpec): ConsumerConfig {
  return {
    durable_name: spec.name,
    name: spec.name,
    filter_subjects: spec.filters.toSorted(),
    deliver_policy: 'all',
    replay_policy: 'instant',
    ack_policy: 'explicit',
    ack_wait: spec.ackWaitMs * 1_000_000,
    // What JetStream silently stops delivering is lost, and no agent may block its neighbours.
    max_deliver: -1,
    max_ack_pending: -1,
    // What is unacknowledged stands in the stream; a consumer that is lost with its server is made anew
    // and delivers that again. On disk its state would cost a third of all work, and an fsync for each message.
    mem_storage: true,
    priority_policy: 'prioritized',
    priority_groups: [PRIORITY_GROUP],
  };
}

function unitedConfig(present: ConsumerConfig, spec: ConsumerSpec): ConsumerConfig {
  const { filter_subject: _single, ...rest } = present;
  const filters = new Set([...filtersOf(present), ...spec.filters]);
  const isWider = filters.size > filtersOf(present).length;
  return {
    ...rest,
    filter_subjects: [...filters].toSorted(),
    ack_wait: spec.ackWaitMs * 1_000_000,
    metadata: isWider ? { ...present.metadata, [RESET_DUE]: 'yes' } : { ...present.metadata },
  };
}

function satisfies(present: ConsumerConfig, spec: ConsumerSpec): boolean {
  const filters = filtersOf(present);
  return present.ack_wait === spec.ackWaitMs * 1_000_000 && spec.filters.every((filter) => filters.includes(filter));
}

function filtersOf({ filter_subject: single, filter_subjects: several }: ConsumerConfig): readonly string[] {
  return several ?? (single === undefined || single === '' ? [] : [single]);
}
