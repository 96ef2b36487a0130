/**
 * Connecting to NATS with what a placement node needs of a connection.
 */
import { type NatsConnection, type NodeConnectionOptions, connect } from '@nats-io/transport-node';
import { WakebusError } from '@wakebus/protocol';

/** All options of the NATS client (credentials, TLS, …), of which these have other defaults here. */
export interface ConnectOptions extends NodeConnectionOptions {
  /** @default "127.0.0.1:4222", the client's own */
  readonly servers?: string | string[];
  /** Shown in the server's reports. @default "wakebus" */
  readonly name?: string;
  /** How long the first connection may take, in milliseconds. @default 5,000: long enough for a distant server with TLS */
  readonly timeout?: number;
}

/** The client counts them in milliseconds. Two lost pings show a dead network, or a server that stands still, after three of them: well within a lease, and before other servers have elected a leader. */
const PING_INTERVAL_MS = 1_000;
const MOST_PINGS_OUT = 2;
/** Wait between attempts to reconnect, in milliseconds: a server restarts in 50. */
const RECONNECT_WAIT_MS = 200;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Connects, with defaults for a process that lives long: it reconnects for ever, notices a dead network
 * within seconds, and does not capture a stack for each request, which halves the throughput.
 *
 * @throws {WakebusError} `NOT_CONNECTED` when no server answers.
 */
export async function connectNats(options: ConnectOptions = {}): Promise<NatsConnection> {
  try {
    return await connect({
      name: 'wakebus',
      timeout: CONNECT_TIMEOUT_MS,
      noAsyncTraces: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: MOST_PINGS_OUT,
      ...options,
    });
  } catch (cause) {
    throw new WakebusError(
      'NOT_CONNECTED',
      { servers: [options.servers ?? '127.0.0.1:4222'].flat().join(', ') },
      { cause },
    );
  }
}
