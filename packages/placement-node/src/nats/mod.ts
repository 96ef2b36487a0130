/**
 * Wakebus over NATS: a connection, a deployment, and the ports of a placement node.
 */
export { type CheckOptions, checkDeployment } from './check-deployment.ts';
export { MINIMUM_SERVER_VERSION, checkServer } from './check-server.ts';
export { type ConnectOptions, connectNats } from './connect.ts';
export { type DeploymentOptions, createDeployment, readLayout } from './deployment.ts';
export type { FaultListener } from './link.ts';
export { natsPorts } from './nats-ports.ts';
export { type DeploymentLimits, wantedStreams } from './wanted-streams.ts';
