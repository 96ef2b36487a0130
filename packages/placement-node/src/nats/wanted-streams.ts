/**
 * What every stream and bucket of a deployment must be like, as one table.
 *
 * Nothing here talks to a server: `deployment.ts` creates what is missing, `check-deployment.ts`
 * compares. What each field protects stands beside it.
 */
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import type { Layout } from '@wakebus/protocol';
import { bucketStream } from './kv-layout.ts';
import { objectStream, objectSubjects } from './object-layout.ts';
import { metadataKey } from './stream-metadata.ts';

/** What an operator chooses when a deployment is created. */
export interface DeploymentLimits {
  /** Servers that keep each stream. @default 1; production means 3 */
  readonly replicas?: number;
  /** Size of each inbox, in bytes. @default 1 GiB: fits a small disk, and is refused at once where it does not */
  readonly inboxMaxBytes?: number;
  /** Messages in each inbox. @default 1,000,000 */
  readonly inboxMaxMessages?: number;
  /** How long the server itself recognizes a repeated message ID, in milliseconds. @default 2 min: longer costs memory; agents remember for a day by themselves */
  readonly duplicateWindowMs?: number;
  /** How long commits are kept for `explain` and replay, in milliseconds. @default 7 days */
  readonly historyMaxAgeMs?: number;
  /** How long dead letters are kept, in milliseconds. @default 30 days: longer than a holiday */
  readonly deadLettersMaxAgeMs?: number;
  /** How long the audit of operators' actions is kept, in milliseconds. @default 365 days: someone asks at the end of the year */
  readonly auditMaxAgeMs?: number;
  /** How long incidents are kept, in milliseconds. @default 30 days, as the dead letters that some of them are about */
  readonly incidentsMaxAgeMs?: number;
}

/** A stream as it must be. */
export type WantedStream = Partial<StreamConfig> &
  Pick<StreamConfig, 'name' | 'num_replicas'> & { readonly metadata: Record<string, string> };

/**
 * How long the server leaves a marker behind an expired lease, in milliseconds. As long as a lease: a
 * node that was cut off for less than that still hears of the expiry.
 */
export const LEASE_MARKER_TTL_MS = 10_000;

/** The same behind a kept snapshot that is gone, in milliseconds: nobody waits for it to go. */
export const SNAPSHOT_MARKER_TTL_MS = 60_000;

/** Largest message of an inbox, in bytes: an event of 256 KB and 64 KB for its headers and envelope. */
const INBOX_MESSAGE_LIMIT_BYTES = 320 * 1024;

const DAY_MS = 24 * 60 * 60 * 1000;
/** Webhook senders retry for up to 75 hours. */
const SEEN_MAX_AGE_MS = 4 * DAY_MS;
/** How long a front door keeps what its shards have not fetched yet, in milliseconds: a long weekend without servers. */
const FRONT_DOOR_MAX_AGE_MS = 3 * DAY_MS;
const DEFAULT_INBOX_MAX_BYTES = 1024 ** 3;
const DEFAULT_INBOX_MAX_MESSAGES = 1_000_000;
const DEFAULT_DUPLICATE_WINDOW_MS = 120_000;

/** All streams of a deployment, in the order in which they must be created: sources before what sources them. */
export function wantedStreams(layout: Layout, limits: DeploymentLimits = {}): WantedStream[] {
  const shards = Array.from({ length: layout.shards }, (_, shard) => shard);
  const plain = [
    ...(layout.shards > 1 ? [frontDoor(layout, limits)] : []),
    ...shards.flatMap((shard) => [timers(layout, shard), inbox(layout, shard, limits)]),
    births(layout),
    held(layout, limits),
    deadLetters(layout, limits),
    history(layout, limits),
    audit(layout, limits),
    incidents(layout, limits),
    objects(layout),
    ...buckets(layout),
  ];
  return plain.map((stream) => ({ ...everyStream(layout, limits), ...stream }));
}

function everyStream(layout: Layout, { replicas = 1 }: DeploymentLimits): Omit<WantedStream, 'name'> {
  return {
    num_replicas: replicas,
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // Reads without a consumer: mailboxes, records, chunks.
    allow_direct: true,
    metadata: { [metadataKey.partitions]: String(layout.partitions), [metadataKey.shards]: String(layout.shards) },
  };
}

type StreamPart = Partial<StreamConfig> & { readonly name: string };

function inbox(layout: Layout, shard: number, limits: DeploymentLimits): StreamPart {
  const partitions =
    layout.shards === 1 ? [layout.inboxFilter()] : layout.partitionsOf(shard).map((p) => layout.inboxFilter(p));
  return {
    name: layout.inboxStream(shard),
    subjects: layout.shards === 1 ? [layout.agentsFilter, ...partitions] : partitions,
    ...(layout.shards === 1 ? { subject_transform: layout.inboxTransform } : {}),
    sources: [
      { name: layout.timersStream(shard), subject_transforms: [layout.fireTransform] },
      ...(layout.shards === 1
        ? []
        : [{ name: layout.frontDoorStream, subject_transforms: partitions.map((p) => ({ src: p, dest: p })) }]),
    ],
    // A message goes away when it is acknowledged, and never otherwise: a full inbox refuses, it does not forget.
    retention: RetentionPolicy.Workqueue,
    discard: DiscardPolicy.New,
    max_bytes: limits.inboxMaxBytes ?? DEFAULT_INBOX_MAX_BYTES,
    max_msgs: limits.inboxMaxMessages ?? DEFAULT_INBOX_MAX_MESSAGES,
    max_msg_size: INBOX_MESSAGE_LIMIT_BYTES,
    duplicate_window: duplicateWindow(limits),
    // Either would let a publisher remove, or time out, what others have queued.
    allow_rollup_hdrs: false,
    allow_msg_ttl: false,
  };
}

/** Events as outsiders publish them, already under their partition; each shard fetches its own. */
function frontDoor(layout: Layout, limits: DeploymentLimits): StreamPart {
  return {
    name: layout.frontDoorStream,
    subjects: [layout.agentsFilter],
    subject_transform: layout.inboxTransform,
    discard: DiscardPolicy.New,
    max_age: nanos(FRONT_DOOR_MAX_AGE_MS),
    max_bytes: limits.inboxMaxBytes ?? DEFAULT_INBOX_MAX_BYTES,
    max_msgs: limits.inboxMaxMessages ?? DEFAULT_INBOX_MAX_MESSAGES,
    max_msg_size: INBOX_MESSAGE_LIMIT_BYTES,
    duplicate_window: duplicateWindow(limits),
    allow_rollup_hdrs: false,
    allow_msg_ttl: false,
  };
}

/** Schedules and what they fired. Without limits: arming a timer is part of a turn, and turns must not fail on a full stream. */
function timers(layout: Layout, shard: number): StreamPart {
  return {
    name: layout.timersStream(shard),
    subjects: layout.timersSubjects(shard),
    discard: DiscardPolicy.Old,
    allow_msg_schedules: true,
    allow_msg_ttl: true,
    allow_rollup_hdrs: true,
  };
}

function births(layout: Layout): StreamPart {
  return { name: layout.birthsStream, subjects: [layout.birthSubject('>')], ...oneMessagePerSubject };
}

/** A NATS object store, as any NATS client would create it. */
function objects({ objectsBucket }: Layout): StreamPart {
  return {
    name: objectStream(objectsBucket),
    subjects: objectSubjects(objectsBucket),
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
  };
}

/** The first message under a subject stays; a second one is refused. */
const oneMessagePerSubject = {
  max_msgs_per_subject: 1,
  discard: DiscardPolicy.New,
  discard_new_per_subject: true,
} as const;

function held(layout: Layout, limits: DeploymentLimits): StreamPart {
  return { name: layout.heldStream, subjects: [layout.heldSubject('>')], duplicate_window: duplicateWindow(limits) };
}

function deadLetters(layout: Layout, limits: DeploymentLimits): StreamPart {
  return {
    name: layout.deadLettersStream,
    subjects: [layout.deadLetterSubject('>')],
    max_age: nanos(limits.deadLettersMaxAgeMs ?? 30 * DAY_MS),
    duplicate_window: duplicateWindow(limits),
  };
}

function history(layout: Layout, limits: DeploymentLimits): StreamPart {
  return {
    name: layout.historyStream,
    subjects: [layout.historySubject('>')],
    max_age: nanos(limits.historyMaxAgeMs ?? 7 * DAY_MS),
    duplicate_window: duplicateWindow(limits),
  };
}

function audit(layout: Layout, limits: DeploymentLimits): StreamPart {
  return {
    name: layout.auditStream,
    subjects: [layout.auditSubject('>')],
    max_age: nanos(limits.auditMaxAgeMs ?? 365 * DAY_MS),
    duplicate_window: duplicateWindow(limits),
  };
}

function incidents(layout: Layout, limits: DeploymentLimits): StreamPart {
  return {
    name: layout.incidentsStream,
    subjects: [layout.incidentsFilter()],
    max_age: nanos(limits.incidentsMaxAgeMs ?? 30 * DAY_MS),
    duplicate_window: duplicateWindow(limits),
  };
}

function buckets(layout: Layout): StreamPart[] {
  return [
    bucket(layout.agentsBucket),
    bucket(layout.leasesBucket, { allow_msg_ttl: true, subject_delete_marker_ttl: nanos(LEASE_MARKER_TTL_MS) }),
    bucket(layout.registryBucket),
    bucket(layout.snapshotsBucket, { allow_msg_ttl: true, subject_delete_marker_ttl: nanos(SNAPSHOT_MARKER_TTL_MS) }),
    bucket(layout.tokensBucket),
    bucket(layout.sourcesBucket),
    bucket(layout.seenBucket, { max_age: nanos(SEEN_MAX_AGE_MS) }),
  ];
}

/** A NATS KV bucket with one value a key, as any NATS client would create it. */
function bucket(name: string, more: Partial<StreamConfig> = {}): StreamPart {
  return {
    name: bucketStream(name),
    subjects: [`$KV.${name}.>`],
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
    deny_delete: true,
    ...more,
  };
}

function duplicateWindow({ duplicateWindowMs = DEFAULT_DUPLICATE_WINDOW_MS }: DeploymentLimits): number {
  return nanos(duplicateWindowMs);
}

function nanos(ms: number): number {
  return ms * 1_000_000;
}
