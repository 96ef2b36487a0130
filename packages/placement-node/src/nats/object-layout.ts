/**
 * How NATS lays an object store out over a stream, and how a chunk lies in one: an object of one message,
 * named by its hash. `nats object ls`, `info` and `get` read it, and so does any NATS client.
 *
 * @see https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-20.md
 */
import { hash as digest } from 'node:crypto';

export function objectStream(bucket: string): string {
  return `OBJ_${bucket}`;
}

/** The subjects of a bucket's stream: bytes, and what is known of them. */
export function objectSubjects(bucket: string): string[] {
  return [dataSubject(bucket, '>'), `$O.${bucket}.M.>`];
}

/** Where the bytes of a chunk are: what NATS draws at random for an object is here its hash, so nobody has to look it up. */
export function dataSubject(bucket: string, hash: string): string {
  return `$O.${bucket}.C.${hash}`;
}

/** Where it is said what is known of a chunk. */
export function infoSubject(bucket: string, hash: string): string {
  return `$O.${bucket}.M.${hash === '>' ? hash : Buffer.from(hash).toString('base64url').padEnd(88, '=')}`;
}

/** What NATS's clients need to know of an object. */
export interface ObjectInfo {
  readonly name: string;
  readonly bucket: string;
  readonly nuid: string;
  readonly size: number;
  readonly chunks: number;
  readonly digest: string;
  readonly deleted?: boolean;
}

/** What is said of a chunk. @param stored - Its bytes as they are stored. */
export function objectInfo(bucket: string, hash: string, stored: Uint8Array, nowMs: number): Uint8Array {
  const info: ObjectInfo & { readonly mtime: string } = {
    name: hash,
    bucket,
    nuid: hash,
    size: stored.length,
    mtime: new Date(nowMs).toISOString(),
    chunks: 1,
    digest: `SHA-256=${digest('sha256', stored, 'base64url').padEnd(44, '=')}`,
  };
  return Buffer.from(JSON.stringify(info));
}
