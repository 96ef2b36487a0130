/**
 * Whether the server and the streams are as a placement node needs them: the start-up gate.
 *
 * It reports and mends nothing. Limits that are an operator's choice (sizes, ages, replicas outside of
 * production) are not looked at; anything that could lose, time out or misroute a message is.
 */
import { type JetStreamManager, type StreamConfig, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type Layout, WakebusError } from '@wakebus/protocol';
import { apiErrorCode } from './api-error.ts';
import { checkDurability } from './check-durability.ts';
import { checkServer, jetStreamDisabled } from './check-server.ts';
import { streamDifferences } from './stream-differences.ts';
import { wantedStreams } from './wanted-streams.ts';

/** How strict {@link checkDeployment} is. */
export interface CheckOptions {
  /** Also demand what keeps acknowledged events through the loss of a server and a power cut. @default false */
  readonly production?: boolean;
  /**
   * Monitoring addresses of all servers, as in `http://10.0.0.1:8222`: the only place where a client
   * can see when a server flushes to disk. @default none, which production refuses
   */
  readonly monitorUrls?: readonly string[];
}

/** How long the server may take for one answer, in milliseconds: a cluster that has just started elects first. */
const TIMEOUT_MS = 5_000;
const STREAM_NOT_FOUND = 10_059;

/**
 * Checks a deployment.
 *
 * @returns everything that is wrong; empty when a placement node may start.
 * @throws {WakebusError} `UNAVAILABLE` when the server stops answering in between.
 */
export async function checkDeployment(
  connection: NatsConnection,
  layout: Layout,
  options: CheckOptions = {},
): Promise<WakebusError[]> {
  const server = checkServer(connection);
  if (server !== undefined) return [server];
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS });
  try {
    await manager.getAccountInfo();
  } catch (cause) {
    return [jetStreamDisabled(connection, cause)];
  }
  const found: WakebusError[] = [];
  const present: StreamConfig[] = [];
  for (const wanted of wantedStreams(layout)) {
    const actual = await readConfig(manager, wanted.name);
    if (actual !== undefined) present.push(actual);
    found.push(...streamDifferences(wanted, actual));
  }
  if (options.production === true) found.push(...(await checkDurability(present, options.monitorUrls)));
  return found;
}

async function readConfig(manager: JetStreamManager, stream: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(stream)).config;
  } catch (cause) {
    if (apiErrorCode(cause) === STREAM_NOT_FOUND) return undefined;
    throw new WakebusError('UNAVAILABLE', { what: `The stream ${stream}` }, { cause });
  }
}
