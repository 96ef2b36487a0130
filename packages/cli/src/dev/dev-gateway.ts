/** The gateway of `wakebus dev`, on this machine only, and so without tokens; beside it the sources and channels of its project. */
import { consoleFiles } from '@wakebus/console';
import { loopbackOnly } from '@wakebus/gateway';
import { connectNats } from '@wakebus/placement-node';
import { type WaysIn, serveWays } from '../gateway/serve-ways.ts';

export interface DevGateway {
  readonly url: string;
  close(): Promise<void>;
}

export interface DevGatewayOptions extends Pick<WaysIn, 'prefix' | 'sources' | 'env' | 'output'> {
  readonly servers: string;
}

/** Starts it, once the deployment is there. @throws {WakebusError}. */
export async function startDevGateway({ servers, ...ways }: DevGatewayOptions): Promise<DevGateway> {
  const connection = await connectNats({ servers: servers.split(','), name: 'wakebus dev gateway' });
  try {
    const options = { authorize: loopbackOnly, console: consoleFiles() };
    const served = await serveWays({ ...ways, connection, isPrivate: true }, options);
    return { url: served.url, close: () => served.close().then(() => connection.close()) };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
