/** How NATS KV lays a bucket out over a stream. Subjects of buckets are NATS's own, not the deployment's. */
import type { Headers } from '@wakebus/protocol';

export const kvHeader = {
  operation: 'KV-Operation',
  /** The server's reason for a marker that it wrote by itself: `MaxAge`, `Purge`, `Remove`. */
  markerReason: 'Nats-Marker-Reason',
} as const;

export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

export function bucketSubject(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}

/** The key in a subject of a bucket. */
export function bucketKey(bucket: string, subject: string): string {
  return subject.slice('$KV.'.length + bucket.length + 1);
}

/** Whether a message says that its key is absent: deleted, purged or expired. */
export function isAbsence(headers: Headers): boolean {
  return headers[kvHeader.operation] !== undefined || headers[kvHeader.markerReason] !== undefined;
}
