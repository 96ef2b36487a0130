/**
 * {@link EventLog} over one JetStream stream.
 *
 * Consumers are in `consumption.ts`; what is read without one is in `direct-get.ts`.
 */
import type { MsgHdrs } from '@nats-io/transport-node';
import { type Headers, header } from '@wakebus/protocol';
import type {
  AppendOptions,
  AppendOutcome,
  ConsumeOptions,
  ConsumerSpec,
  Consumption,
  Delivery,
  EventLog,
  LogInfo,
  StoredMessage,
} from '../ports/event-log.ts';
import { PullConsumption } from './consumption.ts';
import { getBatch, getFromLeader } from './direct-get.ts';
import type { FrontDoor } from './front-door.ts';
import type { Link } from './link.ts';
import { callApi, orUnavailable } from './jetstream-api.ts';
import { publishAcked } from './publisher.ts';
import { metadataKey } from './stream-metadata.ts';
import { HeaderLines, natsHeader } from './wire-headers.ts';

const ACK = Buffer.from('+ACK');
const IN_PROGRESS = Buffer.from('+WPI');

interface StreamInfo {
  readonly config: { readonly max_msgs: number; readonly max_bytes: number; readonly metadata?: Headers };
  readonly state: {
    readonly last_seq: number;
    readonly messages: number;
    readonly bytes: number;
    readonly subjects?: Record<string, number>;
  };
  readonly total?: number;
}

export class NatsEventLog implements EventLog {
  readonly #link: Link;
  readonly #stream: string;
  readonly #frontDoor: FrontDoor | undefined;

  /** @param frontDoor - Where this stream fetches from, if it does. */
  constructor(link: Link, stream: string, frontDoor?: FrontDoor) {
    this.#link = link;
    this.#stream = stream;
    this.#frontDoor = frontDoor;
  }

  append(subject: string, data: Uint8Array, options?: AppendOptions): Promise<AppendOutcome> {
    return publishAcked(this.#link.mux, subject, data, options === undefined ? undefined : appendHeaders(options));
  }

  appendLater(subject: string, data: Uint8Array, options?: AppendOptions): void {
    this.#link.publish(subject, data, options === undefined ? undefined : appendHeaders(options));
  }

  read(filter: string, fromSeq: number, limit: number): Promise<StoredMessage[]> {
    return getBatch(this.#link.mux, this.#stream, filter, fromSeq, limit);
  }

  get(seq: number): Promise<StoredMessage | undefined> {
    return getFromLeader(this.#link.mux, this.#stream, { seq });
  }

  last(filter: string): Promise<StoredMessage | undefined> {
    return getFromLeader(this.#link.mux, this.#stream, { last_by_subj: filter });
  }

  /** The server answers in pages of 100,000 subjects. */
  async subjects(filter: string): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (let more = true; more;) {
      const { state, total = 0 } = await this.#info({ subjects_filter: filter, offset: found.size });
      const page = Object.entries(state.subjects ?? {});
      for (const [subject, count] of page) found.set(subject, count);
      more = page.length > 0 && found.size < total;
    }
    return found;
  }

  async purge(filter: string): Promise<boolean> {
    const answer = callApi<{ success: boolean }>(this.#link.mux, `STREAM.PURGE.${this.#stream}`, { filter });
    return answer.then(
      ({ success }) => success,
      () => false,
    );
  }

  async info(): Promise<LogInfo> {
    const { config, state } = await this.#info();
    const fill = Math.max(
      config.max_msgs > 0 ? state.messages / config.max_msgs : 0,
      config.max_bytes > 0 ? state.bytes / config.max_bytes : 0,
    );
    return {
      incarnation: config.metadata?.[metadataKey.incarnation] ?? '',
      lastSeq: state.last_seq,
      messages: state.messages,
      fill,
    };
  }

  consume(spec: ConsumerSpec, options: ConsumeOptions): Promise<Consumption> {
    const frontDoor = this.#frontDoor;
    if (frontDoor === undefined) return PullConsumption.join(this.#link, this.#stream, spec, options);
    const onDelivery = (delivery: Delivery): void => {
      frontDoor.note(delivery);
      options.onDelivery(delivery);
    };
    return PullConsumption.join(this.#link, this.#stream, spec, { ...options, onDelivery });
  }

  ack(ackToken: string): void {
    this.#link.publish(ackToken, ACK);
  }

  working(ackToken: string): void {
    this.#link.publish(ackToken, IN_PROGRESS);
  }

  nak(ackToken: string, delayMs: number): void {
    this.#link.publish(ackToken, Buffer.from(`-NAK {"delay":${Math.round(delayMs) * 1_000_000}}`));
  }

  #info(request?: { subjects_filter: string; offset: number }): Promise<StreamInfo> {
    return orUnavailable(
      `The stream ${this.#stream}`,
      callApi<StreamInfo>(this.#link.mux, `STREAM.INFO.${this.#stream}`, request),
    );
  }
}

/** Options as headers; the two that commits use come first. */
function appendHeaders(options: AppendOptions): MsgHdrs | undefined {
  const lines = new HeaderLines();
  if (options.expectedSubjectSeq !== undefined) lines.add(natsHeader.expectedSubjectSeq, options.expectedSubjectSeq);
  if (options.messageId !== undefined) lines.add(header.messageId, options.messageId);
  if (options.headers !== undefined) lines.addAll(options.headers);
  if (options.schedule !== undefined) addSchedule(lines, options.schedule);
  return lines.toWire();
}

/** The server fires what is overdue at once, and takes no schedule without a target in the same stream. */
function addSchedule(lines: HeaderLines, { atMs, target, ttlMs }: NonNullable<AppendOptions['schedule']>): void {
  lines.add(natsHeader.schedule, `@at ${new Date(atMs).toISOString()}`);
  lines.add(natsHeader.scheduleTarget, target);
  lines.add(natsHeader.scheduleTtl, `${Math.max(1, Math.round(ttlMs / 1000))}s`);
}
