/**
 * Whether the server of a connection can run a deployment at all.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { WakebusError } from '@wakebus/protocol';

/**
 * The oldest server that has everything in use here: schedules with their target in the same stream,
 * prioritized consumers, markers for expired keys (2.12), and the reset of a consumer (2.14).
 */
export const MINIMUM_SERVER_VERSION = '2.14.0';

/** What is wrong with the server. Only the one of this connection can be seen; in a cluster the others upgrade with it. */
export function checkServer(connection: NatsConnection): WakebusError | undefined {
  const version = connection.info?.version ?? 'unknown';
  if (isOlder(version, MINIMUM_SERVER_VERSION)) {
    return new WakebusError('SERVER_TOO_OLD', { version, needed: MINIMUM_SERVER_VERSION });
  }
  return connection.info?.jetstream === true ? undefined : jetStreamDisabled(connection);
}

/** JetStream is not there: switched off, or without a leader. */
export function jetStreamDisabled(connection: NatsConnection, cause?: unknown): WakebusError {
  return new WakebusError('JETSTREAM_DISABLED', { url: connection.getServer() }, { cause });
}

/** Compares versions by their three numbers; a pre-release counts as its release. One without numbers is older than any. */
export function isOlder(version: string, than: string): boolean {
  const [actual, needed] = [numbersOf(version), numbersOf(than)];
  const at = needed.findIndex((number, i) => actual[i] !== number);
  return at >= 0 && (actual[at] ?? -1) < (needed[at] as number);
}

function numbersOf(version: string): number[] {
  const [, ...numbers] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  return numbers.map(Number);
}
