/**
 * Creates the streams and buckets of a deployment, and finds the layout of one that exists.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Layout, type LayoutOptions, WakebusError } from '@wakebus/protocol';
import { apiErrorCode } from './api-error.ts';
import { checkServer, jetStreamDisabled } from './check-server.ts';
import { cryptoRandom } from './crypto-random.ts';
import { metadataKey } from './stream-metadata.ts';
import { type DeploymentLimits, type WantedStream, wantedStreams } from './wanted-streams.ts';

/** How long a stream may take to be created, in milliseconds: a cluster that has just started elects first. */
const TIMEOUT_MS = 10_000;

const STREAM_EXISTS: ReadonlySet<number> = new Set([10_058, 10_065]);
const STREAM_NOT_FOUND = 10_059;

/** What a deployment is created with. */
export interface DeploymentOptions extends LayoutOptions, DeploymentLimits {}

/**
 * Creates what is missing of a deployment, and changes nothing that exists: a stream that differs is
 * reported by `checkDeployment`.
 *
 * Safe to repeat, and to run from several places at once: who creates the births stream decides the
 * layout, and options that say otherwise are ignored.
 *
 * @returns the layout of the deployment.
 * @throws {WakebusError} `SERVER_TOO_OLD`, `JETSTREAM_DISABLED`; `INVALID_OPTION` when the server refuses a stream; `UNAVAILABLE`.
 */
export async function createDeployment(connection: NatsConnection, options: DeploymentOptions = {}): Promise<Layout> {
  const manager = await managerOf(connection);
  const layout = await settleLayout(manager, options);
  const streams = wantedStreams(layout, options);
  const sourced = new Set(streams.flatMap(({ sources = [] }) => sources.map(({ name }) => name)));
  for (const group of Map.groupBy(streams, ({ name }) => sourced.has(name)).values()) {
    await Promise.all(group.map((stream) => createStream(manager, stream)));
  }
  return layout;
}

/** What asks the server, when it is one that can be asked. @throws {WakebusError} `SERVER_TOO_OLD`, `JETSTREAM_DISABLED`; `UNAVAILABLE`. */
async function managerOf(connection: NatsConnection): Promise<JetStreamManager> {
  const wrong = checkServer(connection);
  if (wrong !== undefined) throw wrong;
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS });
  try {
    await manager.getAccountInfo();
  } catch (cause) {
    if ((cause as Error).name === 'JetStreamNotEnabled') throw jetStreamDisabled(connection, cause);
    throw new WakebusError('UNAVAILABLE', { what: 'JetStream' }, { cause });
  }
  return manager;
}

/** The layout that is stored, once there is one: of several that start at once, one creates the stream that names it. */
async function settleLayout(manager: JetStreamManager, options: DeploymentOptions): Promise<Layout> {
  const stored = await findLayout(manager, options.prefix);
  if (stored !== undefined) return stored;
  const layout = new Layout(options);
  const anchor = wantedStreams(layout, options).find(({ name }) => name === layout.birthsStream) as WantedStream;
  await createStream(manager, anchor);
  return (await findLayout(manager, options.prefix)) ?? layout;
}

async function createStream(manager: JetStreamManager, stream: WantedStream): Promise<void> {
  const metadata = { ...stream.metadata, [metadataKey.incarnation]: cryptoRandom.id() };
  try {
    await manager.streams.add({ ...stream, metadata });
  } catch (cause) {
    const code = apiErrorCode(cause);
    if (STREAM_EXISTS.has(code)) return;
    if (code === 0) throw new WakebusError('UNAVAILABLE', { what: 'JetStream' }, { cause });
    const why = `the server refuses the stream ${stream.name} (${(cause as Error).message})`;
    throw new WakebusError('INVALID_OPTION', { option: 'deployment', why }, { cause });
  }
}

/**
 * The layout of a deployment, as it was created.
 *
 * @param prefix - Its name. @default "wakebus"
 * @throws {WakebusError} `SERVER_TOO_OLD`, `JETSTREAM_DISABLED`; `STREAM_MISSING` when there is none; `STREAM_MISCONFIGURED` when something else has its name; `UNAVAILABLE`.
 */
export async function readLayout(connection: NatsConnection, prefix?: string): Promise<Layout> {
  const layout = await findLayout(await managerOf(connection), prefix);
  if (layout !== undefined) return layout;
  throw new WakebusError('STREAM_MISSING', { stream: layoutNamed(prefix).birthsStream });
}

/** The births stream is asked: its name does not depend on what is looked for. */
async function findLayout(manager: JetStreamManager, prefix: string | undefined): Promise<Layout | undefined> {
  const stream = layoutNamed(prefix).birthsStream;
  try {
    const { config } = await manager.streams.info(stream);
    const numberOf = (field: string): number => readNumber(stream, field, config.metadata?.[field]);
    const numbers = { partitions: numberOf(metadataKey.partitions), shards: numberOf(metadataKey.shards) };
    return new Layout(prefix === undefined ? numbers : { prefix, ...numbers });
  } catch (cause) {
    if (cause instanceof WakebusError) throw cause;
    if (apiErrorCode(cause) === STREAM_NOT_FOUND) return undefined;
    throw new WakebusError('UNAVAILABLE', { what: 'JetStream' }, { cause });
  }
}

function readNumber(stream: string, field: string, value: string | undefined): number {
  if (value !== undefined && /^\d+$/.test(value)) return Number(value);
  throw new WakebusError('STREAM_MISCONFIGURED', { stream, field, actual: value ?? 'not set', needed: 'a number' });
}

function layoutNamed(prefix: string | undefined): Layout {
  return new Layout(prefix === undefined ? {} : { prefix });
}
