/** What `wakebus dev` does from its start to Ctrl-C. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { WakebusError } from '@wakebus/protocol';
import type { Source } from '@wakebus/sources';
import type { CliIo } from '../cli-io.ts';
import type { CommandContext } from '../command-context.ts';
import { Exit, exitCode } from '../exit-codes.ts';
import { readSources } from '../sources/read-sources.ts';
import { type DevGateway, startDevGateway } from './dev-gateway.ts';
import { type DevEvents, DevSession } from './dev-session.ts';
import { DEV_FOLDER, readDevServer, removeDevServer, writeDevServer } from './dev-server-file.ts';
import type { LoadedAgent } from './node-messages.ts';

/** Flags of the command. */
export interface DevFlags {
  readonly port?: string;
}

/** Runs until it is asked to stop. The first Ctrl-C drains; a second one ends at once. */
export async function runDev(context: CommandContext, file: string, flags: DevFlags): Promise<void> {
  const { io, output, settings } = context;
  const living = readDevServer(io.cwd);
  if (living !== undefined) {
    output.message(
      `wakebus dev runs in this folder already (process ${living.pid}, ${living.servers}). Stop it there by Ctrl-C.`,
    );
    throw new Exit(exitCode.conflict);
  }
  const sources = settings.sources === undefined ? [] : await readSources(settings.sources);
  const server = await ownServer(context, flags);
  const servers = server?.url ?? settings.servers;
  const welcome = new Welcome(context, servers, server, sources);
  const { prefix, agentDefaults } = settings;
  const deployment = {
    servers,
    ...(prefix !== undefined && { prefix }),
    ...(agentDefaults !== undefined && { agentDefaults }),
  };
  const session = new DevSession(file, deployment, eventsOf(context, welcome));
  const stop = stopRequests(io);
  try {
    if (server !== undefined)
      writeDevServer(io.cwd, { servers, pid: process.pid, ...(prefix !== undefined && { prefix }) });
    void session.reload();
    await stop.first;
    if (!output.json) output.message('draining; Ctrl-C again to stop at once');
    const isForced = await Promise.race([session.stop().then(() => false), stop.second.then(() => true)]);
    if (!isForced) return;
    session.kill();
    throw new Exit(exitCode.interrupted);
  } finally {
    stop.end();
    await welcome.close();
    if (server !== undefined) removeDevServer(io.cwd);
    await server?.stop();
  }
}

/** A server is brought along unless a flag or the environment names one. */
async function ownServer({ settings, io }: CommandContext, { port }: DevFlags): Promise<NatsServers | undefined> {
  if (settings.serversFrom === 'a flag' || settings.serversFrom === 'the environment') return undefined;
  const folder = join(io.cwd, DEV_FOLDER);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '.gitignore'), '*\n');
  return startNatsServer({ storeDir: join(folder, 'store'), ...(port !== undefined && { port: readPort(port) }) });
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new WakebusError('INVALID_OPTION', { option: '--port', why: 'write a number from 1 to 65535' });
}

interface StopRequests {
  readonly first: Promise<void>;
  readonly second: Promise<void>;
  end(): void;
}

function stopRequests(io: CliIo): StopRequests {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let requests = 0;
  const end = io.onStop(() => {
    requests += 1;
    if (requests === 1) first.resolve();
    else second.resolve();
  });
  return { first: first.promise, second: second.promise, end };
}

/** What people are shown once agents run: the gateway is started then, as the deployment is there. */
class Welcome {
  readonly #context: CommandContext;
  readonly #servers: string;
  readonly #server: NatsServers | undefined;
  readonly #sources: readonly Source[];
  #gateway: Promise<DevGateway | undefined> = Promise.resolve(undefined);

  constructor(context: CommandContext, servers: string, server: NatsServers | undefined, sources: readonly Source[]) {
    this.#context = context;
    this.#sources = sources;
    this.#servers = servers;
    this.#server = server;
  }

  open(agents: readonly LoadedAgent[]): void {
    const { io, output, settings } = this.#context;
    const [servers, sources] = [this.#servers, this.#sources];
    const options = { servers, prefix: settings.prefix, sources, env: io.env, output };
    this.#gateway = startDevGateway(options).catch((error: unknown) => {
      output.message(`no gateway: ${(error as Error).message}`);
      return undefined;
    });
    void this.#gateway.then((gateway) => this.#show(agents, gateway?.url));
  }

  async close(): Promise<void> {
    await (await this.#gateway)?.close();
  }

  #show(agents: readonly LoadedAgent[], url: string | undefined): void {
    const { io, output } = this.#context;
    const state = this.#server === undefined ? 'on that server' : relative(io.cwd, this.#server.storeDir);
    const servers = this.#servers;
    const sources = this.#sources.map(({ name }) => name);
    const types = agents.map(({ type }) => type);
    const fields = { servers, ...(url !== undefined && { url }), agents: types, sources, state };
    output.data('ready', fields, () => readyText({ servers, url, agents, sources, state }));
  }
}

function eventsOf({ io, output }: CommandContext, welcome: Welcome): DevEvents {
  return {
    onServing: (agents, isFirst) => {
      if (isFirst) return welcome.open(agents);
      const types = agents.map(({ type }) => type);
      output.data('reloaded', { agents: types }, () => `reloaded ${types.join(', ')}; state kept`);
    },
    onRefused: (reason, isRunning) => {
      output.message(`${output.paint('red', 'not loaded:')} ${reason}`);
      output.message(isRunning ? 'the version before goes on' : 'waiting for a change');
    },
    onEnded: () => output.message('the agents’ process has ended by itself; waiting for a change'),
    onText: (text) => io.err(text),
  };
}

interface Ready {
  readonly servers: string;
  readonly url: string | undefined;
  readonly agents: readonly LoadedAgent[];
  readonly sources: readonly string[];
  readonly state: string;
}

/** What is there, and what to try. */
function readyText({ servers, url, agents: [first], sources, state }: Ready): string {
  const [address, event] = [`${first?.type}/ada`, first?.events[0] ?? '<event>'];
  return [
    `server  ${servers}`,
    ...(url === undefined ? [] : [`http    ${url} (from this machine only, without tokens)`]),
    ...(url === undefined ? [] : [`console ${url}/console/`]),
    `try     wakebus send ${address} ${event} --wait`,
    ...(url === undefined ? [] : [`        curl -X POST '${url}/agents/${address}/${event}?wait'`]),
    ...(sources.length === 0 ? [] : [`sources ${sources.join(', ')}`]),
    `state   ${state}`,
    'stop    Ctrl-C',
  ].join('\n');
}
