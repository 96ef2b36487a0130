/**
 * The HTTP side of Wakebus: agents, webhooks and tokens over a stateless process, or inside a server of one's own.
 */
export { type Authorizer, type Caller, type Grant, type Verb, verbs } from './access.ts';
export { type ChannelRecord, ChannelStore, webhookOfChannel } from './channels/channel-store.ts';
export { type Gateway, type GatewayOptions, createGateway } from './gateway.ts';
export { type Degradation, type GatewayLog } from './gateway-context.ts';
export { type Hosts } from './hosts.ts';
export { statusByClass, statusByCode, statusOf } from './http-status.ts';
export { DEFAULT_LIMITS, type GatewayLimits } from './limits.ts';
export { type ForwardOptions, type IncidentForwarder, forwardIncidents } from './incidents/forward-incidents.ts';
export { loopbackOnly } from './loopback.ts';
export { PROBLEM_TYPE, type Problem, problemOf } from './problem.ts';
export { type ServeOptions, type ServedGateway, serveGateway } from './serve.ts';
export { type TokenRecord } from './tokens/token.ts';
export { DEFAULT_OVERLAP_MS, type IssuedToken, TokenStore, type TokenWish } from './tokens/token-store.ts';
export { type ConsoleFile, type ConsoleFiles } from './routes/console.ts';
export { cloudEvents } from './webhooks/cloudevents.ts';
export { type WebhookConfig, readWebhooks } from './webhooks/config.ts';
export { discord } from './webhooks/discord.ts';
export { github } from './webhooks/github.ts';
export { type HmacOptions, hmac } from './webhooks/hmac.ts';
export {
  type MapFunction,
  type MapRule,
  type Mapping,
  type RuleSubject,
  type WebhookDelivery,
  type WebhookEvent,
  applyRules,
  faultOfRules,
  fillPlaces,
} from './webhooks/mapping.ts';
export { mattermost } from './webhooks/mattermost.ts';
export { slack } from './webhooks/slack.ts';
export { standardWebhooks } from './webhooks/standard.ts';
export { stripe } from './webhooks/stripe.ts';
export { telegram } from './webhooks/telegram.ts';
export { type Proof, type ReadDelivery, type Scheme, type Webhook } from './webhooks/webhook.ts';
