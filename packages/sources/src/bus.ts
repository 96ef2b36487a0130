/** What all sources of one process share, and how things get from them into the bus. */
import { createHash } from 'node:crypto';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { type NatsConnection, headers as natsHeaders } from '@nats-io/transport-node';
import { type Client, createClient } from '@wakebus/client';
import {
  type Headers,
  type ParkedMessage,
  STRAY_KEY,
  WakebusError,
  addressOf,
  encode,
  eventOf,
  header,
  parseAddress,
  splitKey,
} from '@wakebus/protocol';
import type { Refusal, SourceEvent, SourceReceipt } from './source.ts';

/** A message ID has 200 characters at most, and the source's name is among them. */
const LONGEST_KEY = 100;
const PLAIN = /^[\x21-\x7e]+$/;
/** How long one try may take, in milliseconds. */
const STORE_MS = 10_000;
/** What is kept of something that is given up, in bytes: a dead letter has to fit into a message. */
const MOST_LETTER_BYTES = 512 * 1024;

export class Bus {
  readonly connection: NatsConnection;
  readonly client: Client;
  readonly bucket: KV;
  readonly #js: JetStreamClient;

  private constructor(connection: NatsConnection, client: Client, bucket: KV) {
    this.connection = connection;
    this.client = client;
    this.bucket = bucket;
    this.#js = jetstream(connection);
  }

  /** @throws {WakebusError} `STREAM_MISSING`, `JETSTREAM_DISABLED`, `UNAVAILABLE`. */
  static async open(connection: NatsConnection, prefix: string | undefined): Promise<Bus> {
    const client = await createClient(connection, prefix === undefined ? {} : { prefix });
    const { sourcesBucket } = client.layout;
    try {
      const bucket = await new Kvm(jetstream(connection)).open(sourcesBucket);
      await bucket.status();
      return new Bus(connection, client, bucket);
    } catch (cause) {
      throw new WakebusError('STREAM_MISSING', { stream: `KV_${sourcesBucket}` }, { cause });
    }
  }

  /** One try. @throws {WakebusError} as {@link AgentHandle.send}. */
  async send(
    source: string,
    { agent, event, data }: SourceEvent,
    key: string,
    trace: Headers | undefined,
  ): Promise<SourceReceipt> {
    const address = parseAddress(agent);
    const { type } = splitKey(address);
    const handle = this.client.agent(type, addressOf(address).slice(type.length + 1));
    return handle.send(eventOf(event, data), {
      id: messageIdOf(source, key),
      deadlineMs: STORE_MS,
      ...(trace !== undefined && { trace }),
    });
  }

  /** One try. Under the same key it is one letter, as long as the server knows. @throws {WakebusError} `UNAVAILABLE`. */
  async giveUp(source: string, { key, why, attempts, data, headers = {}, from, seq = 0 }: Refusal): Promise<void> {
    const { code, message } = new WakebusError('SOURCE_REFUSED', { source, key, attempts, why });
    const isCut = data.length > MOST_LETTER_BYTES;
    const letter: ParkedMessage = {
      v: 1,
      key: STRAY_KEY,
      seq,
      subject: from,
      headers,
      data: isCut ? data.subarray(0, MOST_LETTER_BYTES) : data,
      code,
      message: isCut ? `${message} Only the first ${MOST_LETTER_BYTES} of its ${data.length} bytes are kept.` : message,
      attempts,
      atMs: Date.now(),
    };
    const own = natsHeaders();
    own.set(header.messageId, `${STRAY_KEY}:${messageIdOf(source, key)}`);
    try {
      await this.#js.publish(this.client.layout.deadLetterSubject(STRAY_KEY), encode(letter), { headers: own });
    } catch (cause) {
      throw new WakebusError('UNAVAILABLE', { what: 'The stream of dead letters' }, { cause });
    }
  }

  close(): void {
    this.client.close();
  }
}

/** The message ID of an event: its key under the source's name. */
function messageIdOf(source: string, key: string): string {
  const isPlain = key.length <= LONGEST_KEY && PLAIN.test(key);
  return `${source}:${isPlain ? key : fingerprint(key)}`;
}

/** A name of 32 letters for something long. */
export function fingerprint(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
