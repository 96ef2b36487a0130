/** Sources of a configuration file, as they run beside a gateway. */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Degradation } from '@wakebus/gateway';
import { type Source, type Sources, startSources } from '@wakebus/sources';
import type { Output } from '../output.ts';

/** What they run with. */
export interface SourceSurroundings {
  readonly connection: NatsConnection;
  readonly prefix: string | undefined;
  readonly output: Output;
}

/** Starts them, and tells of their faults. @returns nothing where there are none. @throws {WakebusError} as {@link startSources}. */
export async function runSources(
  sources: readonly Source[],
  { connection, prefix, output }: SourceSurroundings,
): Promise<Sources | undefined> {
  if (sources.length === 0) return undefined;
  return startSources(connection, sources, {
    ...(prefix !== undefined && { prefix }),
    log: { warn: (text, facts) => output.message(facts === undefined ? text : `${text}: ${JSON.stringify(facts)}`) },
  });
}

/** Those that do not work now, as `/ready` shows them. What they failed with is for the log: anyone may ask. */
export function degradedSources(sources: Sources | undefined): Degradation[] {
  return (sources?.health() ?? [])
    .filter(({ isHealthy }) => !isHealthy)
    .map(({ name, state, error }) => ({
      what: `source ${name}`,
      state,
      ...(error !== undefined && { code: error.code }),
    }));
}
