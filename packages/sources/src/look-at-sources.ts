/**
 * `lookAtSources`: how the sources of all processes of a deployment are, asked by NATS service discovery.
 *
 * A process that is gone does not answer, and nobody knows of its sources: that is for whoever watches processes.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { SourceHealth } from './running-source.ts';

/** A source of some process, without what it says itself. */
export interface SeenSource extends Omit<SourceHealth, 'detail'> {
  /** Of the process that runs it: several may run the same one. */
  readonly process: string;
}

/** Name of the service that processes with sources answer as. */
export const SOURCES_SERVICE = 'wakebus-sources';
/** How long is waited for answers, in milliseconds: those who are there answer at once. */
const WAIT_MS = 500;

/** As {@link answerDiscovery} of the protocol gives them. */
interface Answer {
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly data?: { readonly sources?: ReadonlyArray<Omit<SourceHealth, 'detail'>> };
}

/** Asks everyone. @param prefix - Name of the deployment. */
export async function lookAtSources(connection: NatsConnection, prefix: string): Promise<SeenSource[]> {
  const seen: SeenSource[] = [];
  const asked = await connection.requestMany(`$SRV.STATS.${SOURCES_SERVICE}`, '', {
    strategy: 'timer',
    maxWait: WAIT_MS,
  });
  try {
    for await (const message of asked) {
      if (message.data.length === 0) continue;
      const { id, metadata, data } = message.json<Answer>();
      if (metadata['prefix'] === prefix)
        for (const source of data?.sources ?? []) seen.push({ ...source, process: id });
    }
  } catch {
    // The server says so when nobody is there to answer.
  }
  return seen.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
