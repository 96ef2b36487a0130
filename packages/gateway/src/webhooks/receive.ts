/**
 * `POST /hooks/:name`: raw bytes → believed → read → mapped → stored under the delivery's ID → remembered → answered.
 *
 * What cannot be stored in time is answered 5xx, so that the sender comes again: the same ID is the same event.
 */
import { type ChannelAddress, replyAddressOf, systemClock } from '@wakebus/channels';
import type { SendReceipt } from '@wakebus/client';
import { WakebusError, eventOf, isWakebusError } from '@wakebus/protocol';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';
import { readSending } from '../request-headers.ts';
import { IncomingDelivery } from './incoming.ts';
import { type WebhookDelivery, type WebhookEvent, mapDelivery } from './mapping.ts';
import { Notices } from './notices.ts';
import { type Seen, messageIdOf } from './seen.ts';
import { DEFAULT_TOLERANCE_MS, type Webhook, invalidWebhook } from './webhook.ts';

/** Where deliveries come to. */
export const HOOK_PATH = '/hooks/:name';
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const ACCEPTED = 202;

/** What came of one delivery. */
type Outcome = 'stored' | 'duplicate' | 'ignored';

/** Finds a webhook that comes and goes. */
export type FindWebhook = (name: string) => Webhook | undefined;

export interface WebhookParts {
  readonly webhooks: Readonly<Record<string, Webhook>>;
  readonly find: FindWebhook;
  readonly seen: Seen;
}

export class Webhooks {
  readonly #context: GatewayContext;
  readonly #webhooks: ReadonlyMap<string, Webhook>;
  readonly #find: FindWebhook;
  readonly #seen: Seen;
  readonly #notices: Notices;

  /** @throws {WakebusError} `INVALID_OPTION`. */
  constructor(context: GatewayContext, { webhooks, find, seen }: WebhookParts) {
    for (const [name, { secrets, scheme, replyTo = false, notice }] of Object.entries(webhooks)) {
      if (!NAME.test(name)) throw invalidWebhook(name, 'write 1 to 64 of A-Z a-z 0-9 _ -');
      if (secrets.length === 0 || secrets.includes(''))
        throw invalidWebhook(name, 'it needs a secret, and none may be empty');
      if (replyTo && scheme.channel === undefined)
        throw invalidWebhook(name, 'no channel answers deliveries of its kind');
      if (notice !== undefined && (!replyTo || notice.kind !== scheme.channel))
        throw invalidWebhook(name, 'its notice goes with "replyTo", by a channel of its own kind');
    }
    this.#context = context;
    this.#notices = new Notices({
      clock: systemClock,
      signal: context.signal,
      onFault: (error) => context.log.warn('a notice could not be shown', { error: String(error) }),
    });
    this.#webhooks = new Map(Object.entries(webhooks));
    this.#find = find;
    this.#seen = seen;
  }

  async receive(call: Call): Promise<Response> {
    const name = call.req.param('name') ?? '';
    try {
      return await this.#receive(name, call);
    } catch (error) {
      // A name that somebody made up is none to count by.
      const endpoint = this.#lookUp(name) === undefined ? HOOK_PATH : `/hooks/${name}`;
      this.#context.refusals.note({ action: 'deliver', endpoint, error });
      throw error;
    }
  }

  async #receive(name: string, call: Call): Promise<Response> {
    const address = this.#context.countAddress(call);
    const webhook = this.#named(name);
    const raw = await this.#context.bodyOf(call, this.#context.limits.deliveryBytes);
    const incoming = new IncomingDelivery(call.req.raw.headers, raw);
    this.#check(name, webhook, incoming, address);
    const greeting = webhook.scheme.greeting?.(incoming);
    if (greeting !== undefined) return greeting;
    const outcomes = await this.#take(name, webhook, incoming);
    return webhook.scheme.accepted?.(incoming) ?? json(outcomes, ACCEPTED);
  }

  /** Takes what was fetched from whom a webhook would have it, who needs no proof. @throws {WakebusError} as a webhook's answers say. */
  async deliver(name: string, body: object): Promise<void> {
    const headers = new Headers({ 'Content-Type': 'application/json' });
    await this.#take(name, this.#named(name), new IncomingDelivery(headers, Buffer.from(JSON.stringify(body))));
  }

  #lookUp(name: string): Webhook | undefined {
    return this.#webhooks.get(name) ?? this.#find(name);
  }

  /** @throws {WakebusError} `ROUTE_UNKNOWN`. */
  #named(name: string): Webhook {
    const webhook = this.#lookUp(name);
    if (webhook !== undefined) return webhook;
    throw new WakebusError('ROUTE_UNKNOWN', { method: 'POST', path: `/hooks/${name.slice(0, 200)}` });
  }

  /** @throws {WakebusError} `SIGNATURE_INVALID`, and counts it against the address. */
  #check(name: string, webhook: Webhook, incoming: IncomingDelivery, address: string): void {
    const { scheme, secrets, toleranceMs = DEFAULT_TOLERANCE_MS } = webhook;
    const why = scheme.fault(incoming, { secrets, nowMs: Date.now(), toleranceMs });
    if (why !== undefined) this.#context.refuse(address, new WakebusError('SIGNATURE_INVALID', { source: name, why }));
  }

  async #take(name: string, webhook: Webhook, incoming: IncomingDelivery): Promise<Record<Outcome, number>> {
    const deliveries = webhook.scheme.read(incoming);
    const untilMs = performance.now() + this.#context.limits.deliveryStoreMs;
    const outcomes = { stored: 0, duplicate: 0, ignored: 0 };
    for (const { id, body } of deliveries) {
      const replyTo = replyAddress(name, webhook, incoming, body);
      const delivery = { source: name, id, body, headers: incoming.headers, ...(replyTo !== undefined && { replyTo }) };
      outcomes[await this.#store(webhook, delivery, untilMs)] += 1;
    }
    return outcomes;
  }

  async #store(webhook: Webhook, delivery: WebhookDelivery, untilMs: number): Promise<Outcome> {
    const { source, id } = delivery;
    if (await this.#seen.has(source, id, untilMs)) return 'duplicate';
    const events = this.#map(webhook, delivery);
    if (events.length === 0) return 'ignored';
    const receipts = await Promise.all(events.map((event) => this.#send(delivery, event, untilMs)));
    await this.#seen.add(source, id, untilMs);
    if (receipts.every(({ duplicate }) => duplicate)) return 'duplicate';
    // What a delivery rings in several agents is watched in the first of them.
    this.#watch(webhook, delivery, events[0]?.agent ?? '', receipts[0]?.seq ?? 0);
    return 'stored';
  }

  #watch({ notice }: Webhook, { replyTo: to }: WebhookDelivery, agent: string, seq: number): void {
    if (notice === undefined || to === undefined) return;
    const { client } = this.#context;
    const isTaken = async (): Promise<boolean> => ((await client.inspect(agent))?.cursor ?? 0) >= seq;
    this.#notices.watch({ channel: notice, to, isTaken });
  }

  /** A mapping that throws is mended some day: the sender should come again. */
  #map(webhook: Webhook, delivery: WebhookDelivery): readonly WebhookEvent[] {
    try {
      return mapDelivery(webhook.map, delivery);
    } catch (cause) {
      if (isWakebusError(cause)) throw cause;
      this.#context.log.warn('a webhook’s mapping threw', { source: delivery.source, error: String(cause) });
      throw new WakebusError('UNAVAILABLE', { what: `The mapping of the webhook ${delivery.source}` }, { cause });
    }
  }

  #send(delivery: WebhookDelivery, { agent, event, data }: WebhookEvent, untilMs: number): Promise<SendReceipt> {
    const { replyTo } = delivery;
    const { trace } = readSending(delivery.headers);
    const message = { ...eventOf(event, data), ...(replyTo !== undefined && { replyTo }) };
    return this.#context.client.agentAt(agent).send(message, {
      id: messageIdOf(delivery.source, delivery.id),
      deadlineMs: Math.max(1, Math.ceil(untilMs - performance.now())),
      ...(trace !== undefined && { trace }),
    });
  }
}

function replyAddress(
  name: string,
  { replyTo = false, scheme: { channel } }: Webhook,
  incoming: IncomingDelivery,
  body: unknown,
): ChannelAddress | undefined {
  if (!replyTo || channel === undefined) return undefined;
  return replyAddressOf(channel, name, { body, header: (header) => incoming.header(header), atMs: Date.now() });
}
