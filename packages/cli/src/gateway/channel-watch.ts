/**
 * The channels of a deployment as one gateway has them: read again and again, so that one that is added or removed
 * is noticed without a restart. Their webhooks are found here; those that are polled are asked from here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  type ChannelRecord,
  ChannelStore,
  type Degradation,
  type ServedGateway,
  type Webhook,
  webhookOfChannel,
} from '@wakebus/gateway';
import type { Sources } from '@wakebus/sources';
import type { CliIo } from '../cli-io.ts';
import type { Output } from '../output.ts';
import { degradedSources, runSources } from '../sources/run-sources.ts';
import { TelegramPoll } from './telegram-poll.ts';

export interface ChannelSurroundings {
  readonly connection: NatsConnection;
  readonly prefix: string | undefined;
  readonly env: CliIo['env'];
  readonly output: Output;
  /** Webhooks of these names are somebody else's. */
  readonly taken: readonly string[];
  /** No service reaches this machine: channels of Telegram without a URL are polled, too. */
  readonly isPrivate: boolean;
}

/** One that is used here. */
interface Used {
  readonly record: ChannelRecord;
  readonly webhook: Webhook;
  readonly isPolled: boolean;
  /** Ends the asking. @param isGone - The channel is, so its webhook is not set again. */
  stop(isGone: boolean): Promise<void>;
  readonly sources?: Sources;
}

/** Between looks, in milliseconds: what is added works within five seconds, as tokens do. */
const LOOK_MS = 2_000;

export class ChannelWatch {
  readonly #store: ChannelStore;
  readonly #parts: ChannelSurroundings;
  readonly #used = new Map<string, Used>();
  /** As they were last read, also those that are of no use here. */
  readonly #known = new Map<string, string>();
  #gateway: ServedGateway | undefined;
  readonly #ended = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  private constructor(store: ChannelStore, parts: ChannelSurroundings) {
    this.#store = store;
    this.#parts = parts;
  }

  /** Reads them once. @throws {WakebusError} `UNAVAILABLE`. */
  static async open(parts: ChannelSurroundings): Promise<ChannelWatch> {
    const watch = new ChannelWatch(await ChannelStore.open(parts.connection, parts.prefix), parts);
    await watch.#look();
    return watch;
  }

  readonly find = (name: string): Webhook | undefined => this.#used.get(name)?.webhook;

  /** Names of those whose deliveries come to this gateway. */
  names(): string[] {
    return [...this.#used.values()].flatMap(({ record, isPolled }) => (isPolled ? [] : [record.name]));
  }

  degraded(): Degradation[] {
    return [...this.#used.values()].flatMap(({ sources }) => degradedSources(sources));
  }

  /** Goes on looking, and asks for what is polled. */
  async run(gateway: ServedGateway): Promise<void> {
    this.#gateway = gateway;
    for (const used of this.#used.values()) await this.#use(used);
    this.#looking = this.#lookOn();
  }

  /** Stops asking, and gives webhooks back. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#ended.abort();
    await this.#looking;
    await Promise.all([...this.#used.values()].map((used) => used.stop(false)));
  }

  async #lookOn(): Promise<void> {
    const { signal } = this.#ended;
    let isBlind = false;
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
      try {
        if (!signal.aborted) await this.#look();
        isBlind = false;
      } catch (error) {
        // What was there goes on.
        if (!isBlind) this.#parts.output.message(`channels cannot be read: ${(error as Error).message}`);
        isBlind = true;
      }
    }
  }

  async #look(): Promise<void> {
    const records = await this.#store.list();
    const found = new Map(records.map((record) => [record.name, JSON.stringify(record)]));
    for (const [name, text] of this.#known)
      if (found.get(name) !== text)
        await this.#leave(
          name,
          records.find((record) => record.name === name),
        );
    for (const record of records) if (!this.#known.has(record.name)) await this.#take(record);
  }

  /** @param next - What it has become, if it is not removed. */
  async #leave(name: string, next: ChannelRecord | undefined): Promise<void> {
    this.#known.delete(name);
    const used = this.#used.get(name);
    if (used === undefined) return;
    const { url, secretEnv } = used.record;
    // Nobody else sets the webhook of one that is polled no more: `channels add` did so before it was known here.
    const isGone = next === undefined || next.url !== url || next.secretEnv !== secretEnv;
    // What is being fetched still finds its webhook, or it would be given up.
    await used.stop(isGone);
    this.#used.delete(name);
    this.#parts.output.message(`channel  ${name} was removed or changed`);
  }

  async #take(record: ChannelRecord): Promise<void> {
    const { taken, isPrivate } = this.#parts;
    const { name, kind, url } = record;
    const isPolled = kind === 'telegram' && (record.isPolled === true || (isPrivate && url === undefined));
    const webhook = taken.includes(name) ? undefined : this.#webhookOf(record, isPolled);
    if (webhook !== undefined) await this.#use({ record, webhook, isPolled, stop: () => Promise.resolve() });
    this.#known.set(name, JSON.stringify(record));
  }

  /** One whose secrets are not in this environment is another gateway's. */
  #webhookOf(record: ChannelRecord, isPolled: boolean): Webhook | undefined {
    const { env, output } = this.#parts;
    try {
      return webhookOfChannel(record, env, isPolled);
    } catch (error) {
      output.message(`channel ${record.name} is left out: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Says where its deliveries come in, or asks for them. */
  async #use(used: Used): Promise<void> {
    const { record, isPolled } = used;
    const { connection, prefix, output } = this.#parts;
    const gateway = this.#gateway;
    this.#used.set(record.name, used);
    if (gateway === undefined) return;
    if (!isPolled) return output.message(`webhook  ${gateway.url}/hooks/${record.name}`);
    const poll = new TelegramPoll({
      ...this.#botOf(record),
      deliver: (update) => gateway.deliver(record.name, update),
    });
    const sources = await runSources([poll.source], { connection, prefix, output });
    const stop = async (isGone: boolean): Promise<void> => {
      await sources?.stop();
      await poll
        .giveBack(isGone)
        .catch((error: unknown) =>
          output.message(`the webhook of ${record.name} was not given back: ${(error as Error).message}`),
        );
    };
    this.#used.set(record.name, { ...used, stop, ...(sources !== undefined && { sources }) });
    output.message(`polled   ${record.name}`);
  }

  #botOf({
    name,
    tokenEnv,
    secretEnv,
    url,
    serviceUrl,
  }: ChannelRecord): Omit<ConstructorParameters<typeof TelegramPoll>[0], 'deliver'> {
    const { env } = this.#parts;
    const secret = secretEnv === undefined ? undefined : env[secretEnv];
    return {
      name,
      bot: { token: env[tokenEnv] ?? '', ...(serviceUrl !== undefined && { apiUrl: serviceUrl }) },
      ...(url !== undefined && secret !== undefined && { home: { url, secret } }),
    };
  }
}
