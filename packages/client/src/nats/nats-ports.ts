/** All of the client's ports over one NATS connection. */
import { randomBytes } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import type { ClientClock, ClientPorts, PlainMessage } from '../ports.ts';
import { NatsBucket } from './nats-bucket.ts';
import { NatsLog } from './nats-log.ts';
import { readLayout } from './read-layout.ts';
import { requestMuxOf } from './request-mux.ts';

/**
 * Reads the deployment's layout and makes ports for it. The connection stays the caller's.
 *
 * @throws {WakebusError} `STREAM_MISSING`, `JETSTREAM_DISABLED`, `UNAVAILABLE`.
 */
export async function natsClientPorts(connection: NatsConnection, prefix: string | undefined): Promise<ClientPorts> {
  const mux = requestMuxOf(connection);
  const layout = await readLayout(mux, prefix, connection.getServer());
  const shards = Array.from({ length: layout.shards }, (_, shard) => shard);
  return {
    layout,
    clock: systemClock,
    random: { id: () => randomBytes(16).toString('hex') },
    messenger: { subscribe: (subject, onMessage) => subscribe(connection, subject, onMessage) },
    history: new NatsLog(mux, layout.historyStream),
    inboxes: shards.map((shard) => new NatsLog(mux, layout.inboxStream(shard))),
    held: new NatsLog(mux, layout.heldStream),
    deadLetters: new NatsLog(mux, layout.deadLettersStream),
    audit: new NatsLog(mux, layout.auditStream),
    incidents: new NatsLog(mux, layout.incidentsStream),
    agents: new NatsBucket(mux, layout.agentsBucket),
    snapshots: new NatsBucket(mux, layout.snapshotsBucket),
    leases: new NatsBucket(mux, layout.leasesBucket),
    registry: new NatsBucket(mux, layout.registryBucket),
  };
}

const systemClock: ClientClock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

function subscribe(
  connection: NatsConnection,
  subject: string,
  onMessage: (message: PlainMessage) => void,
): { stop(): void } {
  const subscription = connection.subscribe(subject, {
    callback: (error, { subject: at, data }) => {
      if (error === null) guarded(() => onMessage({ subject: at, data }));
    },
  });
  return { stop: () => connection.isClosed() || subscription.unsubscribe() };
}

/**
 * What a listener throws becomes an uncaught exception, as that of any event listener does. In the client
 * library it would end the reader of the whole connection, which then hears nothing more.
 */
function guarded(listener: () => void): void {
  try {
    listener();
  } catch (fault) {
    queueMicrotask(() => {
      throw fault;
    });
  }
}
