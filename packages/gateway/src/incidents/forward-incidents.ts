/**
 * Forwards incidents to a webhook, for a pager or a chat: at least once, always under the incident's own ID.
 *
 * The stream's durable consumer of this name is what there is of state: of several processes each incident goes to
 * one, whoever that is, and is acknowledged after a 2xx. When it is tried again is the server's business too, so
 * that nothing is forgotten with a process.
 */
import { setTimeout } from 'node:timers/promises';
import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  JetStreamApiError,
  type JsMsg,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type IncidentKind, Layout, WakebusError, readIncident } from '@wakebus/protocol';
import type { GatewayLog } from '../gateway-context.ts';
import { type PostOutcome, type WebhookTarget, postIncident, readTarget } from './outgoing-webhook.ts';

export interface ForwardOptions {
  /** It stays yours: closing the forwarder does not close it. */
  readonly connection: NatsConnection;
  /** Name of the deployment. @default "wakebus" */
  readonly prefix?: string;
  /** URL that gets each incident by POST. */
  readonly to: string;
  /** `whsec_` and base64, or base64 alone; two during a rotation, by both of which everything is signed. */
  readonly secrets: readonly string[];
  /** Forwarders of one name share the incidents; each name gets all of them. @default "default" */
  readonly name?: string;
  /** @default all kinds */
  readonly kinds?: readonly IncidentKind[];
  /** Where a name begins that is new: with what is kept, or with what comes. @default "now" – what is old has been seen, or is too old to wake somebody */
  readonly from?: 'now' | 'beginning';
  /** Whether to send errors' messages, which may quote what agents were given. @default false – codes and places are enough to look */
  readonly messages?: boolean;
  /** An answer may take so long, in milliseconds. @default 10,000 – more than a cold start of whoever takes it */
  readonly timeoutMs?: number;
  /** The longest wait before the second try, in milliseconds; it doubles, and the wait is anything up to it ("full jitter"). @default 1,000 */
  readonly backoffMs?: number;
  /** What it doubles to, in milliseconds. @default 300,000 – five minutes: a receiver that is back hears soon */
  readonly mostBackoffMs?: number;
  /** For how long one incident is tried, in milliseconds. @default 3 days – a weekend; it stays in the stream for longer */
  readonly giveUpMs?: number;
  readonly log?: GatewayLog;
}

/** A running forwarder. */
export interface IncidentForwarder {
  /** Sends what is under way, and ends. */
  close(): Promise<void>;
}

type Settings = Required<Pick<ForwardOptions, 'backoffMs' | 'mostBackoffMs' | 'giveUpMs'>> & {
  readonly target: WebhookTarget;
  readonly log: GatewayLog;
};

/** Posts at once, in this process. */
const AT_ONCE = 4;
/** A wait for the next incident, in milliseconds; then it is asked whether the consumer is still there. */
const WAIT_MS = 5_000;
/** Beyond a post's own time, in milliseconds: whoever has not answered for one by then is dead. */
const ACK_GRACE_MS = 20_000;
/** Incidents that wait for another try, of all processes: past that, the receiver is down, and the rest waits in the stream. */
const MOST_WAITING = 1_000;
/** After a failure of the server, in milliseconds. */
const AGAIN_MS = 1_000;
const CONSUMER_NOT_FOUND = 10_014;

/**
 * Begins to forward.
 *
 * @throws {WakebusError} `INVALID_OPTION` for a URL, a secret or a name that will not do; `STREAM_MISSING`, `UNAVAILABLE`.
 */
export async function forwardIncidents(options: ForwardOptions): Promise<IncidentForwarder> {
  const { connection, prefix, backoffMs = 1_000, mostBackoffMs = 300_000, giveUpMs = 259_200_000 } = options;
  const { messages = false, timeoutMs = 10_000, log = { warn: () => {} } } = options;
  const target = { ...readTarget(options.to, options.secrets), messages, timeoutMs };
  const layout = new Layout(prefix === undefined ? {} : { prefix });
  const name = nameOf(options);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const open = async (): Promise<Consumer> => {
    await ensureConsumer(manager, layout, name, options);
    return jetstream(connection).consumers.get(layout.incidentsStream, name);
  };
  const consumer = await open();
  const stopped = new AbortController();
  const settings = { target, backoffMs, mostBackoffMs, giveUpMs, log };
  const workers = Array.from({ length: AT_ONCE }, () => work(consumer, open, settings, stopped.signal));
  return {
    close: async () => {
      stopped.abort();
      await Promise.all(workers);
    },
  };
}

function nameOf({ name = 'default' }: ForwardOptions): string {
  if (/^[A-Za-z0-9_-]{1,32}$/.test(name)) return `forward-${name}`;
  throw new WakebusError('INVALID_OPTION', { option: 'name', why: 'write 1 to 32 of A-Z a-z 0-9 _ -' });
}

async function ensureConsumer(
  manager: JetStreamManager,
  layout: Layout,
  name: string,
  { kinds, from = 'now', timeoutMs = 10_000 }: ForwardOptions,
): Promise<void> {
  const stream = layout.incidentsStream;
  const kindsOrAll = kinds === undefined || kinds.length === 0 ? ['*'] : kinds;
  const wanted = {
    filter_subjects: kindsOrAll.map((kind) => layout.incidentsFilter(kind)),
    ack_wait: (timeoutMs + ACK_GRACE_MS) * 1_000_000,
    max_ack_pending: MOST_WAITING,
  };
  try {
    if (await isThere(manager, stream, name)) await manager.consumers.update(stream, name, wanted);
    else
      await manager.consumers.add(stream, {
        ...wanted,
        durable_name: name,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: from === 'now' ? DeliverPolicy.New : DeliverPolicy.All,
      });
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'StreamNotFoundError')
      throw new WakebusError('STREAM_MISSING', { stream }, { cause });
    throw new WakebusError('UNAVAILABLE', { what: `The stream ${stream}` }, { cause });
  }
}

async function isThere(manager: JetStreamManager, stream: string, name: string): Promise<boolean> {
  try {
    await manager.consumers.info(stream, name);
    return true;
  } catch (thrown) {
    if (thrown instanceof JetStreamApiError && thrown.code === CONSUMER_NOT_FOUND) return false;
    throw thrown;
  }
}

/** One incident after the other, until it is stopped. */
async function work(
  first: Consumer,
  open: () => Promise<Consumer>,
  settings: Settings,
  signal: AbortSignal,
): Promise<void> {
  let consumer: Consumer | undefined = first;
  while (!signal.aborted) {
    try {
      consumer ??= await open();
      await forwardNext(consumer, settings, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      settings.log.warn('incidents cannot be read for now', { error: String(thrown) });
      // It may have been deleted.
      consumer = undefined;
      // Only the signal can end it.
      await setTimeout(AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }
}

async function forwardNext(consumer: Consumer, settings: Settings, signal: AbortSignal): Promise<void> {
  const messages = await consumer.fetch({ max_messages: 1, expires: WAIT_MS });
  const end = (): void => messages.stop();
  signal.addEventListener('abort', end);
  try {
    if (signal.aborted) end();
    let isEmpty = true;
    for await (const message of messages) {
      isEmpty = false;
      await forward(message, settings);
    }
    // A request to one that has been deleted is answered by nobody.
    if (isEmpty && !signal.aborted) await consumer.info();
  } finally {
    signal.removeEventListener('abort', end);
  }
}

async function forward(message: JsMsg, settings: Settings): Promise<void> {
  const incident = readIncident(message.data);
  if (incident === undefined) {
    settings.log.warn('an incident cannot be read, and is left out', { seq: message.seq });
    return message.term();
  }
  const outcome = await postIncident(settings.target, incident);
  if (outcome.kind === 'taken') return message.ack();
  const ageMs = Date.now() - message.time.getTime();
  const isOver = ageMs > settings.giveUpMs;
  const { log } = settings;
  const facts = { incident: incident.id, why: outcome.why, tries: message.info.deliveryCount };
  log.warn(isOver ? 'an incident is not sent any more' : 'an incident could not be sent, and is tried again', facts);
  if (isOver) message.term(outcome.why);
  else message.nak(nextTryMs(message.info.deliveryCount, outcome, settings));
}

/** "Full jitter": anything up to a bound that doubles; later where the receiver asks for it. @see Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015. */
function nextTryMs(
  tries: number,
  { retryAfterMs }: Extract<PostOutcome, { kind: 'refused' }>,
  { backoffMs, mostBackoffMs }: Settings,
): number {
  const mostMs = Math.min(mostBackoffMs, backoffMs * 2 ** Math.min(tries - 1, 30));
  return Math.round(Math.max(retryAfterMs, Math.random() * mostMs));
}
