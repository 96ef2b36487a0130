/**
 * A {@link BlobStore} in a bucket of S3, or of what speaks its protocol: an object a chunk.
 *
 * A chunk is put on the condition that there is none (`If-None-Match: *`). One that is there and old is put
 * again in another form, compressed or not, so that its ETag is another: a removal is on the condition of the
 * ETag that was listed (`If-Match`), and spares it. Stores that do not know that condition are asked just
 * before; what is put again in that very moment they would lose.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
 */
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import {
  type BlobStore,
  type ListedChunk,
  REFRESH_AFTER_MS,
  hashOf,
  packChunk,
  unpackChunk,
} from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';

export interface S3BlobStoreOptions {
  readonly bucket: string;
  /** Before every key, without a slash at its end. @default "wakebus" */
  readonly prefix?: string;
  /** For the client: region, endpoint, credentials. @default as the AWS SDK finds them */
  readonly client?: S3ClientConfig;
  /** @default as in every store */
  readonly refreshAfterMs?: number;
}

/** Tries of a put that meets others. */
const ATTEMPTS = 4;
const HASH = /^[0-9a-f]{64}$/;
const NOT_FOUND = 404;
const CONFLICT = 409;
const PRECONDITION_FAILED = 412;
/** Says in an object's metadata that its frame carries a checksum, which the other form's does not. */
const FORM = 'form';
const CHECKED = 'checked';

const compress = promisify(zstdCompress);

export class S3BlobStore implements BlobStore {
  readonly location: string;
  readonly refreshAfterMs: number;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  /** By how much the store's clock is ahead of ours, in milliseconds: it is the one that dates the objects. */
  #aheadMs = 0;

  /** Asks nothing yet. */
  constructor({ bucket, prefix = 'wakebus', client, refreshAfterMs = REFRESH_AFTER_MS }: S3BlobStoreOptions) {
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.location = `s3 ${bucket}/${prefix}`;
    this.refreshAfterMs = refreshAfterMs;
    this.#client = new S3Client(client ?? {});
    this.#client.middlewareStack.add(
      (next) => async (given) => {
        const answer = await next(given);
        const { date } = (answer.response as { headers?: { date?: string } }).headers ?? {};
        if (date !== undefined) this.#aheadMs = Date.parse(date) - Date.now();
        return answer;
      },
      { step: 'deserialize', name: 'storeClock' },
    );
  }

  /** Ends its connections. */
  close(): void {
    this.#client.destroy();
  }

  async put(bytes: Uint8Array, hash: string = hashOf(bytes)): Promise<string> {
    const stored = await packChunk(bytes);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const status = await this.#write(hash, { Body: stored, IfNoneMatch: '*' });
      if (status === undefined) return hash;
      if (status !== PRECONDITION_FAILED) continue;
      const there = await this.#head(hash);
      if (there === undefined) continue;
      if (this.#ageMs(there.LastModified) < this.refreshAfterMs) return hash;
      if ((await this.#write(hash, await otherForm(bytes, stored, there))) === undefined) return hash;
    }
    throw new WakebusError('OUTCOME_UNKNOWN', { what: 'A chunk', id: hash });
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: this.#key(hash) });
    const found = await this.#orAbsent(this.#client.send(command));
    if (found?.Body === undefined) return undefined;
    return unpackChunk(hash, await this.#answered(found.Body.transformToByteArray()));
  }

  async *list(): AsyncGenerator<ListedChunk> {
    const root = this.#key('');
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: root, ContinuationToken: token });
      const page = await this.#answered(this.#client.send(command));
      for (const { Key = '', Size = 0, LastModified, ETag = '' } of page.Contents ?? []) {
        const hash = Key.slice(root.length);
        if (HASH.test(hash)) yield { hash, sizeBytes: Size, ageMs: this.#ageMs(LastModified), version: ETag };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async remove({ hash, version }: ListedChunk): Promise<boolean> {
    const there = await this.#head(hash);
    if (there === undefined) return true;
    if (there.ETag !== version) return false;
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#key(hash), IfMatch: version });
    try {
      await this.#client.send(command);
      return true;
    } catch (thrown) {
      if (statusOf(thrown) === PRECONDITION_FAILED) return false;
      if (statusOf(thrown) === NOT_FOUND) return true;
      throw this.#unavailable(thrown);
    }
  }

  /** @returns the status of a refusal that another writer may be behind. */
  async #write(hash: string, object: Omit<PutObjectCommandInput, 'Bucket' | 'Key'>): Promise<number | undefined> {
    try {
      await this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: this.#key(hash), ...object }));
      return undefined;
    } catch (cause) {
      const status = statusOf(cause);
      if (status === PRECONDITION_FAILED || status === CONFLICT) return status;
      throw new WakebusError('OUTCOME_UNKNOWN', { what: 'A chunk', id: hash }, { cause });
    }
  }

  #head(hash: string): Promise<HeadObjectCommandOutput | undefined> {
    return this.#orAbsent(this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: this.#key(hash) })));
  }

  #key(hash: string): string {
    return `${this.#prefix}/chunks/${hash}`;
  }

  #ageMs(modified: Date | undefined): number {
    return Date.now() + this.#aheadMs - (modified?.getTime() ?? 0);
  }

  async #orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (thrown) {
      if (statusOf(thrown) === NOT_FOUND && nameOf(thrown) !== 'NoSuchBucket') return undefined;
      throw this.#unavailable(thrown);
    }
  }

  async #answered<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (thrown) {
      throw this.#unavailable(thrown);
    }
  }

  #unavailable(cause: unknown): WakebusError<'UNAVAILABLE'> {
    return new WakebusError('UNAVAILABLE', { what: `The object store ${this.location}` }, { cause });
  }
}

/** The same chunk as other bytes than those that are there, and so under another ETag. */
async function otherForm(
  bytes: Uint8Array,
  stored: Uint8Array,
  { Metadata }: HeadObjectCommandOutput,
): Promise<Pick<PutObjectCommandInput, 'Body' | 'Metadata'>> {
  if (Metadata?.[FORM] === CHECKED) return { Body: stored };
  const checked = await compress(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  return { Body: checked, Metadata: { [FORM]: CHECKED } };
}

function statusOf(thrown: unknown): number | undefined {
  return (thrown as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : '';
}
