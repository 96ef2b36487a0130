/** `startSources`: runs sources in this process, beside whatever else it does. */
import { randomUUID } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { WakebusError, answerDiscovery } from '@wakebus/protocol';
import { Bus } from './bus.ts';
import { SOURCES_SERVICE } from './look-at-sources.ts';
import type { Pauses } from './pauses.ts';
import { RunningSource, type SourceHealth, type SourceLog } from './running-source.ts';
import { type Source, defineSource } from './source.ts';
import { SourceTelemetry } from './telemetry.ts';

export interface SourcesOptions {
  /** Name of the deployment. @default "wakebus" */
  readonly prefix?: string;
  /** @default warnings of the process */
  readonly log?: SourceLog;
  /** Pauses before a source that has failed is started again. @default up to a second, doubling up to a minute: an outage lasts, and each start asks the servers */
  readonly restartPauses?: Pauses;
}

/** Sources that run. */
export interface Sources {
  /** How each of them is. */
  health(): readonly SourceHealth[];
  /** Stops them. What is under way is stored, or comes again at the next start. The connection stays open. */
  stop(): Promise<void>;
}

const RESTART_PAUSES: Pauses = { firstMs: 1_000, mostMs: 60_000 };
/** How long a source may take to stop, in milliseconds. */
const STOP_MS = 10_000;

/**
 * Starts sources. Each runs by itself: one that fails disturbs no other.
 *
 * @param connection - The caller's, which stays open.
 * @throws {WakebusError} `STREAM_MISSING` when the deployment does not exist or is older than sources are;
 * `JETSTREAM_DISABLED`, `UNAVAILABLE`; `INVALID_OPTION` when two have the same name.
 */
export async function startSources(
  connection: NatsConnection,
  sources: readonly Source[],
  options: SourcesOptions = {},
): Promise<Sources> {
  checkNames(sources);
  const bus = await Bus.open(connection, options.prefix);
  const telemetry = new SourceTelemetry();
  const ended = new AbortController();
  const { log = warnings, restartPauses = RESTART_PAUSES } = options;
  const parts = { bus, log, telemetry, restartPauses, signal: ended.signal };
  const running = sources.map((source) => new RunningSource(source, parts));
  const health = (): SourceHealth[] => running.map((source) => source.health());
  const unobserve = telemetry.observe(() => new Map(health().map(({ name, isHealthy }) => [name, isHealthy])));
  const discovery = answerDiscovery(connection, {
    name: SOURCES_SERVICE,
    id: randomUUID(),
    description: 'Brings events in',
    metadata: { prefix: bus.client.layout.prefix, sources: sources.map(({ name }) => name).join(',') },
    data: () => ({ sources: health().map(({ detail: _detail, ...seen }) => seen) }),
  });
  const runs = Promise.all(running.map((source) => source.run()));
  return {
    health,
    stop: async () => {
      ended.abort();
      await settled(runs);
      discovery.stop();
      unobserve();
      bus.close();
    },
  };
}

function checkNames(sources: readonly Source[]): void {
  const names = sources.map((source) => defineSource(source).name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new WakebusError('INVALID_OPTION', { option: 'sources', why: `two are called ${twice}` });
}

/** A source that does not heed its signal must not keep the process. */
async function settled(runs: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, STOP_MS);
  await Promise.race([runs, late.promise]);
  clearTimeout(timer);
}

const warnings: SourceLog = {
  warn: (text, facts) => process.emitWarning(facts === undefined ? text : `${text}: ${JSON.stringify(facts)}`),
};
