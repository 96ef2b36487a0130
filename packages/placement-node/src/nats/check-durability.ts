/**
 * Whether acknowledged events survive the loss of a server and a power cut: what production demands.
 *
 * Replicas stand in each stream's configuration. When a server flushes to disk is told by no API that
 * an ordinary account may call (neither `$JS.API.INFO` nor the connection's own information has it;
 * `$SYS` has, for the system account alone), so it is read from the servers' monitoring endpoints.
 */
import type { StreamConfig } from '@nats-io/jetstream';
import { WakebusError } from '@wakebus/protocol';

/** Servers that must keep each stream: two of three may then lose it, or be cut off, one at a time. */
const LEAST_REPLICAS = 3;
/** How long a monitoring endpoint may take, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** What is not durable enough. */
export async function checkDurability(
  streams: readonly StreamConfig[],
  monitorUrls: readonly string[] = [],
): Promise<WakebusError[]> {
  const few = streams.filter(({ num_replicas: replicas }) => replicas < LEAST_REPLICAS);
  const found = few.map(({ name, num_replicas: replicas }) =>
    notDurable(`the replicas of the stream ${name} to be at least`, String(replicas), String(LEAST_REPLICAS)),
  );
  if (monitorUrls.length === 0) {
    return [
      ...found,
      notDurable(
        'the sync_interval of every server (seen only at their monitoring addresses: give monitorUrls) to be',
        'unknown',
        'always',
      ),
    ];
  }
  const flushing = await Promise.all(monitorUrls.map(checkFlushing));
  return [...found, ...flushing.filter((error) => error !== undefined)];
}

async function checkFlushing(monitorUrl: string): Promise<WakebusError | undefined> {
  const actual = await readSyncInterval(monitorUrl);
  return actual === 'always'
    ? undefined
    : notDurable(`the sync_interval of the server at ${monitorUrl} to be`, actual, 'always');
}

async function readSyncInterval(monitorUrl: string): Promise<string> {
  try {
    const response = await fetch(new URL('/varz', monitorUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { jetstream } = (await response.json()) as {
      jetstream?: { config?: { sync_always?: boolean; sync_interval?: number } };
    };
    if (jetstream?.config?.sync_always === true) return 'always';
    return `${(jetstream?.config?.sync_interval ?? 0) / 1_000_000_000}s`;
  } catch (error) {
    return `unknown (${(error as Error).message})`;
  }
}

function notDurable(what: string, actual: string, needed: string): WakebusError {
  return new WakebusError('NOT_DURABLE_ENOUGH', { what, actual, needed });
}
