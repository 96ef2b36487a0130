/** The gateway of `wakebus dev`, on this machine only, and so without tokens; beside it the sources of its project. */
import { loopbackOnly, serveGateway } from '@wakebus/gateway';
import { connectNats } from '@wakebus/placement-node';
import type { Source, Sources } from '@wakebus/sources';
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
  readonly output: Output;
}

/** Starts it, once the deployment is there. @throws {WakebusError}. */
export async function startDevGateway({ servers, prefix, sources, output }: DevGatewayOptions): Promise<DevGateway> {
  const connection = await connectNats({ servers: servers.split(','), name: 'wakebus dev gateway' });
  let running: Sources | undefined;
  const close = async (): Promise<void> => {
    await running?.stop();
    await connection.close();
  };
  try {
    running = await runSources(sources, { connection, prefix, output });
    const gateway = await serveGateway({
      connection,
      authorize: loopbackOnly,
      degraded: () => degradedSources(running),
      ...(prefix !== undefined && { prefix }),
    });
    return { url: gateway.url, close: () => gateway.close().then(close) };
  } catch (error) {
    await close();
    throw error;
  }
}
