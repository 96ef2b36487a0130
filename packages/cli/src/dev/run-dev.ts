/** What `wakebus dev` does from its start to Ctrl-C. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import type { CommandContext } from '../command-context.ts';
import { Exit, exitCode } from '../exit-codes.ts';
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
  const server = await ownServer(context, flags);
  const servers = server?.url ?? settings.servers;
  const session = new DevSession(file, servers, settings.prefix, eventsOf(context, servers, server));
  const stop = stopRequests(io);
  try {
    if (server !== undefined)
      writeDevServer(io.cwd, {
        servers,
        pid: process.pid,
        ...(settings.prefix !== undefined && { prefix: settings.prefix }),
      });
    void session.reload();
    await stop.first;
    if (!output.json) output.message('draining; Ctrl-C again to stop at once');
    const isForced = await Promise.race([session.stop().then(() => false), stop.second.then(() => true)]);
    if (!isForced) return;
    session.kill();
    throw new Exit(exitCode.interrupted);
  } finally {
    stop.end();
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

function eventsOf({ io, output }: CommandContext, servers: string, server: NatsServers | undefined): DevEvents {
  return {
    onServing: (agents, isFirst) => {
      const types = agents.map(({ type }) => type);
      if (!isFirst) return output.data('reloaded', { agents: types }, () => `reloaded ${types.join(', ')}; state kept`);
      const state = server === undefined ? 'on that server' : relative(io.cwd, server.storeDir);
      const fields = { servers, agents: types, state };
      output.data('ready', fields, () => readyText(servers, agents, state));
    },
    onRefused: (reason, isRunning) => {
      output.message(`${output.paint('red', 'not loaded:')} ${reason}`);
      output.message(isRunning ? 'the version before goes on' : 'waiting for a change');
    },
    onEnded: () => output.message('the agents’ process has ended by itself; waiting for a change'),
    onText: (text) => io.err(text),
  };
}

/** The four lines. */
function readyText(servers: string, agents: readonly LoadedAgent[], state: string): string {
  const [first] = agents;
  return [
    `server  ${servers}`,
    `try     wakebus send ${first?.type}/ada ${first?.events[0] ?? '<event>'} --wait`,
    `state   ${state}`,
    'stop    Ctrl-C',
  ].join('\n');
}
