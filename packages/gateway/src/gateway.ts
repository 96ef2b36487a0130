/** `createGateway`: the HTTP side of a deployment, as something that takes requests. Serving it on a port is `serve.ts`. */
import { randomUUID } from 'node:crypto';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { createClient } from '@wakebus/client';
import { answerDiscovery } from '@wakebus/protocol';
import { createApp } from './app.ts';
import type { Authorizer } from './access.ts';
import { ChannelStore } from './channels/channel-store.ts';
import { Cors } from './cors.ts';
import { DeploymentReads } from './deployment/deployment-reads.ts';
import { type Degradation, GatewayContext, type GatewayLog } from './gateway-context.ts';
import { HostPaths, type Hosts } from './hosts.ts';
import { type GatewayLimits, readLimits } from './limits.ts';
import { Backlog } from './nats/backlog.ts';
import { Kv } from './nats/kv.ts';
import { Registry } from './registry.ts';
import type { ConsoleFiles } from './routes/console.ts';
import { tokenAuthorizer } from './tokens/token-check.ts';
import { TokenStore } from './tokens/token-store.ts';
import { type FindWebhook, Webhooks } from './webhooks/receive.ts';
import { SEEN_TRY_MS, Seen } from './webhooks/seen.ts';
import type { Webhook } from './webhooks/webhook.ts';

export interface GatewayOptions {
  /** A connection of the caller's, which stays open when the gateway is closed. */
  readonly connection: NatsConnection;
  /** Name of the deployment. @default "wakebus" */
  readonly prefix?: string;
  /** Finds out who calls. @default by the tokens that `wakebus tokens` issues */
  readonly authorize?: Authorizer;
  /** Origins of pages that may use it. @default none */
  readonly corsOrigins?: readonly string[];
  /** Proxies in front of it whose `X-Forwarded-For` is believed. @default 0 – the address is that of the connection */
  readonly trustedProxies?: number;
  /** Host names that stand for a path: `{ '{id}.order.example.com': '/agents/order/{id}' }` for agents, `{ '{tenant}.example.com': '/agents/order/{tenant}%2F' }` for tenants whose name begins every ID. @default none */
  readonly hosts?: Hosts;
  /** Webhooks by name: `github` takes deliveries at `POST /hooks/github`. @default none */
  readonly webhooks?: Readonly<Record<string, Webhook>>;
  /** Finds webhooks that come and go while it runs; those of `webhooks` go before. Asked at each delivery. @default there are none */
  readonly findWebhook?: FindWebhook;
  readonly limits?: Partial<GatewayLimits>;
  /** What else of this process does not work now, such as a source: `/ready` names it, and goes on to say that the gateway is ready. @default nothing */
  readonly degraded?: () => readonly Degradation[];
  /** The console to serve at `/console/`: `consoleFiles()` of `@wakebus/console`. @default none */
  readonly console?: ConsoleFiles;
  /** @default warnings of the process */
  readonly log?: GatewayLog;
}

/** A gateway. Stateless: any number of them may stand in front of one deployment. */
export interface Gateway {
  /** Answers one request; never throws. Mount it in a server of yours: `app.mount('/bus', gateway.fetch)`. */
  readonly fetch: (request: Request, env?: unknown) => Promise<Response>;
  readonly limits: GatewayLimits;
  /**
   * Takes a delivery that somebody has fetched from the sender, as the webhook of that name would. Resolves when it is stored.
   *
   * @throws {WakebusError} as the webhook would answer; `ROUTE_UNKNOWN` when there is none.
   */
  readonly deliver: (webhook: string, body: object) => Promise<void>;
  /** Ends streams and says in `/ready` that it is going. Requests under way are still answered. */
  close(): void;
}

/**
 * Makes a gateway.
 *
 * @throws {WakebusError} `STREAM_MISSING` when the deployment does not exist, `JETSTREAM_DISABLED`, `UNAVAILABLE`, `INVALID_OPTION`.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { connection, prefix, trustedProxies = 0 } = options;
  const limits = readLimits(options.limits);
  const client = await createClient(connection, prefix === undefined ? {} : { prefix });
  const js = jetstream(connection);
  const jsm = await jetstreamManager(connection, { checkAPI: false });
  const ended = new AbortController();
  const registry = new Kv(js, jsm, client.layout.registryBucket);
  const context = new GatewayContext({
    client,
    backlog: new Backlog(jsm, client.layout),
    registry: new Registry(registry),
    deployment: new DeploymentReads(client, jsm, new ChannelStore(registry)),
    limits,
    authorize: options.authorize ?? tokenAuthorizer(new TokenStore(new Kv(js, jsm, client.layout.tokensBucket))),
    trustedProxies,
    log: options.log ?? warnings,
    degraded: options.degraded ?? (() => []),
    signal: ended.signal,
  });
  const seen = await openSeen(connection, client.layout.seenBucket);
  const { webhooks: named = {}, findWebhook: find = noWebhook } = options;
  const webhooks = new Webhooks(context, { webhooks: named, find, seen });
  const cors = new Cors(options.corsOrigins ?? []);
  const hosts = new HostPaths(options.hosts ?? {});
  const app = createApp(context, { cors, webhooks, hosts, console: options.console });
  const discovery = answerDiscovery(connection, {
    name: 'wakebus-gateway',
    id: randomUUID(),
    description: 'Agents over HTTP',
    metadata: { prefix: client.layout.prefix },
  });
  return {
    fetch: async (request, env) => app.fetch(request, env as object | undefined),
    limits,
    deliver: (name, body) => context.requests.during(() => webhooks.deliver(name, body)),
    close: () => {
      ended.abort();
      discovery.stop();
      // Calls that still wait for their answer get it.
      void context.requests.idle().then(() => client.close());
    },
  };
}

function noWebhook(): undefined {}

/** Its reads and writes give up sooner than the client's default of five seconds, after which senders have gone. */
async function openSeen(connection: NatsConnection, bucket: string): Promise<Seen> {
  const options = { timeout: SEEN_TRY_MS, checkAPI: false };
  return new Seen(new Kv(jetstream(connection, options), await jetstreamManager(connection, options), bucket));
}

const warnings: GatewayLog = {
  warn: (text, facts) => process.emitWarning(facts === undefined ? text : `${text}: ${JSON.stringify(facts)}`),
};
