/**
 * The configuration file of one server. Text in, text out: nothing is read or written here.
 */

/** What the file of one server says. */
export interface ServerConfig {
  /** Unique within the cluster; JetStream requires it there. */
  readonly name: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly storeDir: string;
  readonly maxPayloadBytes: number;
  readonly syncInterval: string | undefined;
  /** This server's own route port and everyone's; absent for a server alone. */
  readonly cluster: { readonly port: number; readonly ports: readonly number[] } | undefined;
  /** Appended as it is. */
  readonly extra: string;
}

/**
 * Writes a nats-server configuration.
 *
 * @param config - What it is to say.
 * @returns The text of the file.
 */
export function configText(config: ServerConfig): string {
  const sync = config.syncInterval ? `\n  sync_interval: ${config.syncInterval}` : '';
  return `server_name: ${config.name}
listen: "127.0.0.1:${config.port}"
http: "127.0.0.1:${config.monitorPort}"
max_payload: ${config.maxPayloadBytes}
jetstream {
  store_dir: ${JSON.stringify(config.storeDir)}${sync}
}
${config.cluster ? clusterText(config.cluster) : ''}${config.extra}
`;
}

function clusterText({ port, ports }: NonNullable<ServerConfig['cluster']>): string {
  const routes = ports.filter((other) => other !== port).map((other) => `"nats://127.0.0.1:${other}"`);
  return `cluster {
  name: wakebus
  listen: "127.0.0.1:${port}"
  routes: [${routes.join(', ')}]
}
`;
}
