/**
 * Finds or fetches a nats-server and starts it: alone, or as a cluster of three.
 */
export { natsFromEnvironment } from './environment.ts';
export { NatsServerError, natsServerErrorCodes, type NatsServerErrorCode } from './errors.ts';
export { findNatsServer, type FindOptions } from './find.ts';
export { startNatsServer, type NatsServers, type Route, type StartOptions } from './start.ts';
export type { ServerHandle } from './server.ts';
export { minimumServerVersion } from './version.ts';
export { Watchdog } from './watchdog.ts';
