/** The gateway of `wakebus dev`: on this machine only, and so without tokens. */
import { loopbackOnly, serveGateway } from '@wakebus/gateway';
import { connectNats } from '@wakebus/placement-node';

export interface DevGateway {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts it, once the deployment is there. @throws {WakebusError}. */
export async function startDevGateway(servers: string, prefix: string | undefined): Promise<DevGateway> {
  const connection = await connectNats({ servers: servers.split(','), name: 'wakebus dev gateway' });
  const named = prefix === undefined ? {} : { prefix };
  const gateway = await serveGateway({ connection, authorize: loopbackOnly, ...named });
  return {
    url: gateway.url,
    close: async () => {
      await gateway.close();
      await connection.close();
    },
  };
}
