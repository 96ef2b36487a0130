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
  /** Absent for a server alone. */
  readonly cluster: ClusterConfig | undefined;
  /** Appended as it is. */
  readonly extra: string;
}

/** A server's place in its cluster. */
export interface ClusterConfig {
  /** Where it listens for the others. */
  readonly port: number;
  /** Ports on loopback at which it reaches each of the others. */
  readonly routes: readonly number[];
  /** Whether the others must not learn where it really listens: something stands between them. */
  readonly isHidden: boolean;
}

/**
 * Nothing listens there: a server that hears of another one by gossip, and not by its own configuration,
 * is to find nobody.
 */
const NOWHERE = '127.0.0.1:1';

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

function clusterText({ port, routes, isHidden }: ClusterConfig): string {
  const urls = routes.map((route) => `"nats://127.0.0.1:${route}"`);
  const hidden = isHidden ? `\n  advertise: "${NOWHERE}"\n  no_advertise: true` : '';
  return `cluster {
  name: wakebus
  listen: "127.0.0.1:${port}"
  routes: [${urls.join(', ')}]${hidden}
}
`;
}
