/**
 * JetStream's own API, as far as faults need it: who leads, and what an operator can do to a stream by
 * mistake. Plain requests, so that snapshot and restore need nothing else.
 */
import type { connectNats } from '@wakebus/placement-node';
import { persist } from './patience.ts';

type Connection = Awaited<ReturnType<typeof connectNats>>;

/** A stream as the server describes it; only what is used here. */
export interface StreamInfo {
  readonly config: Readonly<Record<string, unknown>>;
  readonly state: { readonly messages: number; readonly last_seq: number; readonly consumer_count: number };
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: ReadonlyArray<{ readonly current: boolean; readonly offline?: boolean }>;
  };
}

/** A stream's content with its configuration, as a backup keeps it. */
export interface StreamBackup {
  readonly stream: string;
  readonly config: StreamInfo['config'];
  readonly state: StreamInfo['state'];
  readonly chunks: readonly Uint8Array[];
}

interface ApiAnswer {
  readonly error?: { readonly code: number; readonly description: string };
}

/** One answer takes so long at most, in milliseconds; who asks persists. */
const ANSWER_MS = 2_000;
const CHUNK_BYTES = 128 * 1024;

export class ServerApi {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async info(stream: string): Promise<StreamInfo> {
    return persist(() => this.#ask<StreamInfo>(`STREAM.INFO.${stream}`));
  }

  /** The server that leads a stream, once there is one. */
  leaderOf(stream: string): Promise<string> {
    return persist(async () => {
      const { cluster } = await this.#ask<StreamInfo>(`STREAM.INFO.${stream}`);
      if (cluster?.leader === undefined || cluster.leader === '') throw new Error(`${stream} has no leader`);
      return cluster.leader;
    });
  }

  /** Resolves when every replica of a stream has caught up. */
  async current(stream: string): Promise<void> {
    await persist(async () => {
      const { cluster } = await this.#ask<StreamInfo>(`STREAM.INFO.${stream}`);
      const behind = cluster?.replicas?.some(({ current, offline }) => !current || offline === true) ?? false;
      if (behind) throw new Error(`a replica of ${stream} is behind`);
    });
  }

  /** Lets a stream's leader publish whatever it stores once more, below a subject. */
  async republish(stream: string, below: string): Promise<void> {
    const { config } = await this.info(stream);
    const republish = { src: '>', dest: `${below}.>` };
    await persist(() => this.#ask(`STREAM.UPDATE.${stream}`, { ...config, republish }));
  }

  async deleteConsumer(stream: string, consumer: string): Promise<void> {
    await persist(() => this.#ask(`CONSUMER.DELETE.${stream}.${consumer}`));
  }

  /** Removes what is stored under a subject. */
  async purge(stream: string, filter: string): Promise<void> {
    await persist(() => this.#ask(`STREAM.PURGE.${stream}`, { filter }));
  }

  /** Takes a backup of a stream, consumers included, as `nats stream backup` does. */
  async backup(stream: string): Promise<StreamBackup> {
    const inbox = `_CHAOS.${stream}.${Date.now()}`;
    const chunks: Uint8Array[] = [];
    const whole = new Promise<void>((resolve, reject) => {
      const subscription = this.#connection.subscribe(inbox, {
        callback: (error, message) => {
          if (error !== null) return reject(error);
          if (message.data.length === 0) {
            subscription.unsubscribe();
            return resolve();
          }
          chunks.push(message.data.slice());
          message.respond();
        },
      });
    });
    const request = { deliver_subject: inbox, chunk_size: CHUNK_BYTES };
    const { config, state } = await this.#ask<StreamInfo>(`STREAM.SNAPSHOT.${stream}`, request);
    await whole;
    return { stream, config, state, chunks };
  }

  /** Puts a backup in the place of a stream, as `nats stream restore` does after the stream was deleted. */
  async restore({ stream, config, state, chunks }: StreamBackup): Promise<void> {
    await this.#ask(`STREAM.DELETE.${stream}`);
    const { deliver_subject } = await this.#ask<{ readonly deliver_subject: string }>(`STREAM.RESTORE.${stream}`, {
      config,
      state,
    });
    for (const chunk of [...chunks, new Uint8Array()]) await this.#hand(deliver_subject, chunk);
  }

  /** Hands over a part of a backup once. The leader listens before it says so, but the server asked may not know yet. */
  async #hand(subject: string, chunk: Uint8Array): Promise<void> {
    const isTaken = await persist(async () => {
      try {
        await this.#connection.request(subject, chunk, { timeout: 20_000 });
        return true;
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('no responders')) throw error;
        return false;
      }
    });
    if (!isTaken) throw new Error(`a part of the backup was not confirmed at ${subject}`);
  }

  /** Deletes every stream of a deployment. */
  async deleteStreams(prefix: string): Promise<void> {
    const { streams } = await persist(() => this.#ask<{ readonly streams: readonly string[] | null }>('STREAM.NAMES'));
    for (const stream of streams ?? []) {
      if (stream.startsWith(`${prefix}_`) || stream.startsWith(`KV_${prefix}_`))
        await persist(() => this.#ask(`STREAM.DELETE.${stream}`));
    }
  }

  async #ask<T>(subject: string, body?: object): Promise<T> {
    const request = body === undefined ? undefined : JSON.stringify(body);
    const { data } = await this.#connection.request(`$JS.API.${subject}`, request, { timeout: ANSWER_MS });
    const answer = JSON.parse(new TextDecoder().decode(data)) as T & ApiAnswer;
    if (answer.error !== undefined) throw new Error(`${subject}: ${answer.error.description}`);
    return answer;
  }
}
