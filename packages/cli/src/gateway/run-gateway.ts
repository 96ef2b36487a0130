/** What `wakebus gateway` does from its start to Ctrl-C: it holds no state, so that any number may run side by side. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type GatewayLimits, type Hosts, type WebhookConfig, readWebhooks } from '@wakebus/gateway';
import { consoleFiles } from '@wakebus/console';
import { connectNats } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import type { CommandContext } from '../command-context.ts';
import type { Output } from '../output.ts';
import { credentials } from '../session.ts';
import { readSources } from '../sources/read-sources.ts';
import { serveWays } from './serve-ways.ts';

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
  /** Whether it serves the console at `/console/`. @default true */
  readonly console?: boolean;
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
  'console',
]);

/** Runs until it is asked to stop; then it answers what is under way. */
export async function runGateway(context: CommandContext, flags: GatewayFlags): Promise<void> {
  const { io, output, settings } = context;
  const given = readConfig(context, flags);
  const { host, port, webhooks = {}, sources: named = {}, console: withConsole = true, ...config } = given;
  const fromFile = readWebhooks(webhooks, io.env);
  const sources = await readSources({ sources: named, folder: dirname(resolve(io.cwd, flags.config ?? '.')) });
  const servers = settings.servers.split(',').map((url) => url.trim());
  const connection = await connectNats({ servers, name: 'wakebus gateway', ...credentials(settings, io.env) });
  const { prefix } = settings;
  try {
    const ways = { connection, prefix, env: io.env, output, sources, isPrivate: false };
    const served = await serveWays(ways, {
      ...config,
      webhooks: fromFile,
      ...(withConsole && { console: consoleFiles() }),
      ...(host !== undefined && { hostname: host }),
      port,
      log: { warn: (text, facts) => output.message(facts === undefined ? text : `${text}: ${JSON.stringify(facts)}`) },
    });
    const names = sources.map(({ name }) => name);
    tell(output, { url: served.url, webhooks: served.webhooks, sources: names }, Object.keys(fromFile));
    if (withConsole) output.message(`console  ${served.url}/console/`);
    await new Promise<void>((stop) => void io.onStop(stop));
    await served.close();
  } finally {
    await connection.close();
  }
}

interface Served {
  readonly url: string;
  readonly webhooks: readonly string[];
  readonly sources: readonly string[];
}

/** Channels tell of themselves. */
function tell(output: Output, served: Served, fromFile: readonly string[]): void {
  output.data('gateway', served, () => `gateway  ${served.url}`);
  for (const name of fromFile) output.message(`webhook  ${served.url}/hooks/${name}`);
  for (const name of served.sources) output.message(`source   ${name}`);
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
