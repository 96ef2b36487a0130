/** The gateway of `wakebus dev`, on this machine only, and so without tokens; beside it the sources and channels of its project. */
import { consoleFiles } from '@wakebus/console';
import { loopbackOnly, serveGateway } from '@wakebus/gateway';
import { connectNats } from '@wakebus/placement-node';
import type { Source, Sources } from '@wakebus/sources';
import type { CliIo } from '../cli-io.ts';
import { ChannelWatch } from '../gateway/channel-watch.ts';
import type { Output } from '../output.ts';
import { degradedSources, runSources } from '../sources/run-sources.ts';

export interface DevGateway {
  readonly url: string;
  close(): Promise<void>;
}

export interface DevGatewayOptions {
  readonly servers: string;
  readonly prefix: string | undefined;
  readonly sources: readonly Source[];
  readonly env: CliIo['env'];
  readonly output: Output;
}

/** Starts it, once the deployment is there. @throws {WakebusError}. */
export async function startDevGateway(options: DevGatewayOptions): Promise<DevGateway> {
  const { servers, prefix, sources, env, output } = options;
  const connection = await connectNats({ servers: servers.split(','), name: 'wakebus dev gateway' });
  let running: Sources | undefined;
  let channels: ChannelWatch | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([running?.stop(), channels?.stop()]);
    await connection.close();
  };
  try {
    const watch = await ChannelWatch.open({ connection, prefix, env, output, taken: [], isPrivate: true });
    channels = watch;
    running = await runSources(sources, { connection, prefix, output });
    const gateway = await serveGateway({
      connection,
      authorize: loopbackOnly,
      console: consoleFiles(),
      degraded: () => [...degradedSources(running), ...watch.degraded()],
      findWebhook: watch.find,
      ...(prefix !== undefined && { prefix }),
    });
    await watch.run(gateway);
    return {
      url: gateway.url,
      close: () =>
        watch
          .stop()
          .then(() => gateway.close())
          .then(close),
    };
  } catch (error) {
    await close();
    throw error;
  }
}
