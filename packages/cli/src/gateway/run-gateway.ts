/** What `wakebus gateway` does from its start to Ctrl-C: it holds no state, so that any number may run side by side. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  ChannelStore,
  type GatewayLimits,
  type Hosts,
  type Webhook,
  type WebhookConfig,
  readWebhooks,
  serveGateway,
  webhookOfChannel,
} from '@wakebus/gateway';
import { connectNats } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import type { Sources } from '@wakebus/sources';
import type { CommandContext } from '../command-context.ts';
import type { Output } from '../output.ts';
import { credentials } from '../session.ts';
import { readSources } from '../sources/read-sources.ts';
import { degradedSources, runSources } from '../sources/run-sources.ts';

/** Flags of the command. */
export interface GatewayFlags {
  readonly host?: string;
  readonly port?: string;
  readonly config?: string;
}

/** What a configuration file may hold. Secrets are not among it, only the names of their variables. */
interface GatewayConfig {
  readonly host?: string;
  readonly port?: number;
  readonly webhooks?: Readonly<Record<string, WebhookConfig>>;
  readonly limits?: Partial<GatewayLimits>;
  readonly corsOrigins?: readonly string[];
  readonly trustedProxies?: number;
  readonly hosts?: Hosts;
  /** Other ways in, which run in this process. */
  readonly sources?: object;
}

const DEFAULT_PORT = 8_080;
const KNOWN: ReadonlySet<string> = new Set([
  'host',
  'port',
  'webhooks',
  'limits',
  'corsOrigins',
  'trustedProxies',
  'hosts',
  'sources',
]);

/** Runs until it is asked to stop; then it answers what is under way. */
export async function runGateway(context: CommandContext, flags: GatewayFlags): Promise<void> {
  const { io, output, settings } = context;
  const { host, port, webhooks = {}, sources: named = {}, ...config } = readConfig(context, flags);
  const fromFile = readWebhooks(webhooks, io.env);
  const ways = await readSources({ sources: named, folder: dirname(resolve(io.cwd, flags.config ?? '.')) });
  const servers = settings.servers.split(',').map((url) => url.trim());
  const connection = await connectNats({ servers, name: 'wakebus gateway', ...credentials(settings, io.env) });
  let sources: Sources | undefined;
  try {
    const stored = await ChannelStore.open(connection, settings.prefix);
    const hooks = { ...(await webhooksOfChannels(context, stored)), ...fromFile };
    sources = await runSources(ways, { connection, prefix: settings.prefix, output });
    const gateway = await serveGateway({
      connection,
      degraded: () => degradedSources(sources),
      ...config,
      webhooks: hooks,
      ...(settings.prefix !== undefined && { prefix: settings.prefix }),
      ...(host !== undefined && { hostname: host }),
      port,
      log: { warn: (text, facts) => output.message(facts === undefined ? text : `${text}: ${JSON.stringify(facts)}`) },
    });
    tell(output, { url: gateway.url, webhooks: Object.keys(hooks), sources: ways.map(({ name }) => name) });
    await new Promise<void>((stop) => void io.onStop(stop));
    await gateway.close();
  } finally {
    await sources?.stop();
    await connection.close();
  }
}

interface Served {
  readonly url: string;
  readonly webhooks: readonly string[];
  readonly sources: readonly string[];
}

function tell(output: Output, served: Served): void {
  output.data('gateway', served, () => `gateway  ${served.url}`);
  for (const name of served.webhooks) output.message(`webhook  ${served.url}/hooks/${name}`);
  for (const name of served.sources) output.message(`source   ${name}`);
}

/** The webhooks of channels that were added. One whose secrets are not in this environment is another gateway's. */
async function webhooksOfChannels(
  { io, output }: CommandContext,
  store: ChannelStore,
): Promise<Record<string, Webhook>> {
  const hooks: Record<string, Webhook> = {};
  for (const record of await store.list()) {
    const config = webhookOfChannel(record);
    if (config === undefined) continue;
    try {
      Object.assign(hooks, readWebhooks({ [record.name]: config }, io.env));
    } catch (error) {
      output.message(`channel ${record.name} is left out: ${(error as Error).message}`);
    }
  }
  return hooks;
}

function readConfig({ io }: CommandContext, flags: GatewayFlags): GatewayConfig & { readonly port: number } {
  const file = flags.config === undefined ? {} : parse(resolve(io.cwd, flags.config));
  const unknown = Object.keys(file).find((name) => !KNOWN.has(name));
  if (unknown !== undefined)
    throw new WakebusError('INVALID_OPTION', { option: unknown, why: `known are ${[...KNOWN].join(', ')}` });
  const port = flags.port === undefined ? (file.port ?? DEFAULT_PORT) : Number(flags.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new WakebusError('INVALID_OPTION', { option: 'port', why: 'write a number from 0 (any) to 65535' });
  return { ...file, ...(flags.host !== undefined && { host: flags.host }), port };
}

function parse(path: string): GatewayConfig {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (cause) {
    throw new WakebusError('INVALID_OPTION', { option: path, why: (cause as Error).message }, { cause });
  }
  throw new WakebusError('INVALID_OPTION', { option: path, why: 'it is not a JSON object' });
}
