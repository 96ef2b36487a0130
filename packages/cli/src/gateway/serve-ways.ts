/** A gateway with the other ways in of its process: the sources of its configuration, and the channels of the deployment. */
import { type ServeOptions, serveGateway } from '@wakebus/gateway';
import type { Source } from '@wakebus/sources';
import { degradedSources, runSources } from '../sources/run-sources.ts';
import { ChannelWatch, type ChannelSurroundings } from './channel-watch.ts';

export interface WaysIn extends Omit<ChannelSurroundings, 'taken'> {
  readonly sources: readonly Source[];
}

export interface ServedWays {
  readonly url: string;
  /** Names of the webhooks whose deliveries come to this gateway. */
  readonly webhooks: readonly string[];
  close(): Promise<void>;
}

/** Starts all of it, or nothing. @throws {WakebusError} as {@link serveGateway}, {@link runSources} and {@link ChannelWatch.open}. */
export async function serveWays(
  ways: WaysIn,
  options: Omit<ServeOptions, 'connection' | 'prefix' | 'findWebhook' | 'degraded'>,
): Promise<ServedWays> {
  const { connection, prefix } = ways;
  const taken = Object.keys(options.webhooks ?? {});
  await using started = new AsyncDisposableStack();
  const channels = await ChannelWatch.open({ ...ways, taken });
  const sources = await runSources(ways.sources, ways);
  started.defer(() => sources?.stop());
  const gateway = await serveGateway({
    ...options,
    connection,
    ...(prefix !== undefined && { prefix }),
    findWebhook: channels.find,
    degraded: () => [...degradedSources(sources), ...channels.degraded()],
  });
  started.defer(() => gateway.close());
  // Ended before the gateway is: what is being fetched goes through it.
  started.defer(() => channels.stop());
  await channels.run(gateway);
  const all = started.move();
  return { url: gateway.url, webhooks: [...channels.names(), ...taken], close: () => all.disposeAsync() };
}
