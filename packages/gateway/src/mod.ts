/**
 * The HTTP side of Wakebus: agents, webhooks and tokens over a stateless process, or inside a server of one's own.
 */
export { type Authorizer, type Caller, type Grant, type Verb, verbs } from './access.ts';
export { type Gateway, type GatewayOptions, createGateway } from './gateway.ts';
export { type GatewayLog } from './gateway-context.ts';
export { statusByClass, statusByCode, statusOf } from './http-status.ts';
export { DEFAULT_LIMITS, type GatewayLimits } from './limits.ts';
export { loopbackOnly } from './loopback.ts';
export { PROBLEM_TYPE, type Problem, problemOf } from './problem.ts';
export { type AgentTypeEntry } from './registry.ts';
export { type ServeOptions, type ServedGateway, serveGateway } from './serve.ts';
export { type TokenRecord } from './tokens/token.ts';
export { DEFAULT_OVERLAP_MS, type IssuedToken, TokenStore, type TokenWish } from './tokens/token-store.ts';
