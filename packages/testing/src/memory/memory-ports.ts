/**
 * One node's {@link Ports} over the memory server.
 */
import type { Ports } from '@wakebus/placement-node';
import type { Link } from './environment.ts';
import type { MemoryBucket } from './memory-bucket.ts';
import { MemoryBlobStore } from './memory-blob-store.ts';
import { MemoryEventLog } from './memory-event-log.ts';
import { MemoryMessenger } from './memory-messenger.ts';
import { MemoryRecordStore } from './memory-record-store.ts';
import { memoryTurnRunners } from './memory-turn-runner.ts';
import { memoryWorkspaces } from './memory-workspaces.ts';
import type { MemoryServer } from './memory-server.ts';
import type { MemoryStream } from './memory-stream.ts';

/** All ports of the node at the other end of a link. */
export function memoryPorts(server: MemoryServer, link: Link): Ports {
  const log = (stream: MemoryStream): MemoryEventLog => new MemoryEventLog(server, stream, link);
  const store = (bucket: MemoryBucket): MemoryRecordStore =>
    new MemoryRecordStore(bucket, link, server.maxPayloadBytes);
  const chunks = new MemoryBlobStore(server, link);
  return {
    layout: server.layout,
    clock: link.clock,
    random: link.random,
    messenger: new MemoryMessenger(server.broker, link),
    inboxes: server.shards.map(({ inbox }) => log(inbox)),
    timers: server.shards.map(({ timers }) => log(timers)),
    births: log(server.births),
    held: log(server.held),
    deadLetters: log(server.deadLetters),
    history: log(server.history),
    audit: log(server.audit),
    incidents: log(server.incidents),
    agents: store(server.agents),
    leases: store(server.leases),
    registry: store(server.registry),
    snapshots: store(server.snapshots),
    chunks,
    workspaces: memoryWorkspaces({ chunks, clock: link.clock }),
    turnRunners: memoryTurnRunners(link.clock),
  };
}
