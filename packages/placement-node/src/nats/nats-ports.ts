/**
 * All ports over one NATS connection.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Layout } from '@wakebus/protocol';
import { threadRunners } from '../isolation/thread-runner.ts';
import type { Ports } from '../ports/ports.ts';
import { cryptoRandom } from './crypto-random.ts';
import { LEASE_MARKER_TTL_MS, SNAPSHOT_MARKER_TTL_MS } from './wanted-streams.ts';
import { FrontDoor } from './front-door.ts';
import { type FaultListener, Link } from './link.ts';
import { NatsBlobStore } from './nats-blob-store.ts';
import { NatsEventLog } from './nats-event-log.ts';
import { NatsMessenger } from './nats-messenger.ts';
import { NatsRecordStore } from './nats-record-store.ts';
import { systemClock } from './system-clock.ts';

/**
 * The ports of a deployment that exists. It asks the server nothing yet; `checkDeployment` does.
 *
 * The connection stays the caller's: closing it ends whatever still waits here.
 *
 * @param onFault - Told of what a callback threw, and on which subject. @default a warning of the process: nobody should miss it
 */
export function natsPorts(connection: NatsConnection, layout: Layout, onFault: FaultListener = warn): Ports {
  const link = new Link(connection, onFault);
  const frontDoor = layout.shards > 1 ? new FrontDoor(link, layout) : undefined;
  const log = (stream: string): NatsEventLog => new NatsEventLog(link, stream);
  const inbox = (shard: number): NatsEventLog => new NatsEventLog(link, layout.inboxStream(shard), frontDoor);
  const shards = Array.from({ length: layout.shards }, (_, shard) => shard);
  return {
    layout,
    clock: systemClock,
    random: cryptoRandom,
    messenger: new NatsMessenger(link),
    inboxes: shards.map(inbox),
    ...(frontDoor !== undefined && { frontDoor: log(layout.frontDoorStream) }),
    timers: shards.map((shard) => log(layout.timersStream(shard))),
    births: log(layout.birthsStream),
    held: log(layout.heldStream),
    deadLetters: log(layout.deadLettersStream),
    history: log(layout.historyStream),
    audit: log(layout.auditStream),
    incidents: log(layout.incidentsStream),
    agents: new NatsRecordStore(link, layout.agentsBucket),
    leases: new NatsRecordStore(link, layout.leasesBucket, { markerTtlMs: LEASE_MARKER_TTL_MS }),
    registry: new NatsRecordStore(link, layout.registryBucket),
    snapshots: new NatsRecordStore(link, layout.snapshotsBucket, { markerTtlMs: SNAPSHOT_MARKER_TTL_MS }),
    chunks: new NatsBlobStore(link, layout),
    turnRunners: threadRunners,
  };
}

function warn(fault: unknown, subject: string): void {
  process.emitWarning(`a message on ${subject} could not be taken: ${String(fault)}`);
}
