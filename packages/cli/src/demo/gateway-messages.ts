/**
 * What the demo and its gateway say to each other over the process channel.
 */

/** What a gateway's process is started with, as JSON in its first argument. Its secret is not among it. */
export interface GatewaySetting {
  readonly servers: string;
  /** 0: any. */
  readonly port: number;
}

/** The variable in which it finds what GitHub signs with. */
export const SECRET_VARIABLE = 'WAKEBUS_DEMO_GITHUB_SECRET';

/** From a gateway: it listens. */
export interface FromGateway {
  readonly kind: 'ready';
  readonly url: string;
}
