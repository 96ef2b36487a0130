/**
 * Channels that a deployment has: accounts at services, and the webhooks that bring their events.
 *
 * Their secrets are not here, only the names of the variables that hold them where they are used.
 */
import { randomUUID } from 'node:crypto';
import { type ChannelKind, channelKinds } from '@wakebus/channels';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Layout, WakebusError, decode, encode } from '@wakebus/protocol';
import { Kv } from '../nats/kv.ts';
import { type WebhookConfig, readWebhooks } from '../webhooks/config.ts';
import type { MapRule } from '../webhooks/mapping.ts';
import type { Webhook } from '../webhooks/webhook.ts';

/** One channel. */
export interface ChannelRecord {
  readonly v: 1;
  readonly name: string;
  readonly kind: ChannelKind;
  /** The variable of the token by which it sends. */
  readonly tokenEnv: string;
  /** The variable of the secret that its deliveries are signed by; of Discord, of the public key. @default it takes none */
  readonly secretEnv?: string;
  /** Where its deliveries come in, as the service sees it. */
  readonly url?: string;
  /** Its deliveries are fetched, and its webhook is given back when nobody does. Telegram only. @default false */
  readonly isPolled?: boolean;
  /** Where the service is, if elsewhere than everybody's. */
  readonly serviceUrl?: string;
  /** What its deliveries become. */
  readonly map?: MapRule;
  readonly addedMs: number;
}

/** The variable of a secret that nobody is told. */
const UNTOLD = 'the secret of a channel that is fetched';
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export class ChannelStore {
  readonly #bucket: Kv;

  constructor(bucket: Kv) {
    this.#bucket = bucket;
  }

  /** The channels of a deployment. @param prefix - Its name. @default "wakebus" */
  static async open(connection: NatsConnection, prefix?: string): Promise<ChannelStore> {
    const { registryBucket } = new Layout(prefix === undefined ? {} : { prefix });
    const jsm = await jetstreamManager(connection, { checkAPI: false });
    return new ChannelStore(new Kv(jetstream(connection), jsm, registryBucket));
  }

  /** Adds one, or replaces the one of its name. @throws {WakebusError} `INVALID_OPTION`, `UNAVAILABLE`. */
  async put(record: ChannelRecord): Promise<void> {
    const fault = faultOf(record);
    if (fault !== undefined) throw new WakebusError('INVALID_OPTION', fault);
    await this.#bucket.put(keyOf(record.name), encode(record));
  }

  /** @throws {WakebusError} `CHANNEL_UNKNOWN`, `UNAVAILABLE`. */
  async get(name: string): Promise<ChannelRecord> {
    const records = await this.list();
    const found = records.find((record) => record.name === name);
    if (found !== undefined) return found;
    const known = records.map((record) => record.name).join(', ') || 'none';
    throw new WakebusError('CHANNEL_UNKNOWN', { channel: name, known });
  }

  /** By name. @throws {WakebusError} `UNAVAILABLE`. */
  async list(): Promise<ChannelRecord[]> {
    const values = await this.#bucket.all(keyOf('*'));
    const records = [...values.values()].map(({ bytes }) => decode(bytes) as ChannelRecord);
    return records.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws {WakebusError} `CHANNEL_UNKNOWN`, `UNAVAILABLE`. */
  async remove(name: string): Promise<ChannelRecord> {
    const record = await this.get(name);
    await this.#bucket.remove(keyOf(name));
    return record;
  }
}

/**
 * The webhook that brings a channel's events; `undefined` when it only sends.
 *
 * @param env - Where its secrets are. What is fetched needs none: its webhook then has one that nobody knows.
 * @throws {WakebusError} `INVALID_OPTION`.
 */
export function webhookOfChannel(
  { name, kind, tokenEnv, secretEnv, serviceUrl, map }: ChannelRecord,
  env: Readonly<Record<string, string | undefined>>,
  isPolled: boolean,
): Webhook | undefined {
  if (map === undefined || (secretEnv === undefined && !isPolled)) return undefined;
  const notice = { tokenFrom: tokenEnv, ...(serviceUrl !== undefined && { url: serviceUrl }) };
  const secretsFrom = [secretEnv ?? UNTOLD];
  const config: WebhookConfig = { kind, secretsFrom, map, replyTo: true, notice };
  return readWebhooks({ [name]: config }, { ...env, [UNTOLD]: randomUUID() })[name];
}

function faultOf({
  name,
  kind,
  url,
  serviceUrl,
  isPolled = false,
  map,
}: ChannelRecord): { option: string; why: string } | undefined {
  if (!NAME.test(name)) return { option: 'name', why: 'write 1 to 64 of A-Z a-z 0-9 _ -' };
  if (!channelKinds.includes(kind)) return { option: 'kind', why: `write one of ${channelKinds.join(', ')}` };
  if (kind === 'mattermost' && serviceUrl === undefined)
    return { option: 'serviceUrl', why: 'write where Mattermost is' };
  if (isPolled && kind !== 'telegram') return { option: 'isPolled', why: 'only Telegram gives updates to who asks' };
  if (isPolled && map === undefined) return { option: 'map', why: 'write what the updates become' };
  for (const [option, value] of Object.entries({ url, serviceUrl }))
    if (value !== undefined && !URL.canParse(value)) return { option, why: 'write a URL' };
  return undefined;
}

function keyOf(name: string): string {
  return `channels.${name}`;
}
