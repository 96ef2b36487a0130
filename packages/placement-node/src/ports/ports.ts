/**
 * Everything outside of the runtime, in one object. The NATS adapters are in `../nats/`; the in-memory
 * ones, over which the simulator runs this very code, are in `@wakebus/testing`. Both pass the same
 * contract suites.
 */
import type { Layout } from '@wakebus/protocol';
import type { BlobStore } from './blob-store.ts';
import type { Clock } from './clock.ts';
import type { EventLog } from './event-log.ts';
import type { Messenger } from './messenger.ts';
import type { Random } from './random.ts';
import type { RecordStore } from './record-store.ts';
import type { TurnRunners } from './turn-runner.ts';
import type { Workspaces } from './workspaces.ts';

export interface Ports {
  readonly layout: Layout;
  readonly clock: Clock;
  readonly random: Random;
  readonly messenger: Messenger;
  /** One log a shard. */
  readonly inboxes: readonly EventLog[];
  /** With several shards, where plain publishers write and the shards fetch from. */
  readonly frontDoor?: EventLog;
  readonly timers: readonly EventLog[];
  readonly births: EventLog;
  readonly held: EventLog;
  readonly deadLetters: EventLog;
  readonly history: EventLog;
  readonly audit: EventLog;
  readonly incidents: EventLog;
  readonly agents: RecordStore;
  readonly leases: RecordStore;
  readonly registry: RecordStore;
  /** Copies of records that are kept. */
  readonly snapshots: RecordStore;
  readonly chunks: BlobStore;
  /** For agent types that ask for isolation. */
  readonly turnRunners: TurnRunners;
  /** For agent types that have one. */
  readonly workspaces?: Workspaces;
}
