/** One command's connection: opened by its settings, closed when the command ends. */
import { readFileSync } from 'node:fs';
import { type NatsConnection, type NodeConnectionOptions, connect, credsAuthenticator } from '@nats-io/transport-node';
import { type Client, createClient } from '@wakebus/client';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from './cli-io.ts';
import type { ResolvedSettings } from './settings.ts';

/** How long a person waits for a server that is not there, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3_000;

/** What a command works with. */
export interface Session {
  readonly connection: NatsConnection;
  readonly client: Client;
}

/**
 * Connects.
 *
 * @throws {WakebusError} `NOT_CONNECTED`; `INVALID_OPTION` when the credentials cannot be read.
 */
export async function openConnection(settings: ResolvedSettings, io: CliIo): Promise<NatsConnection> {
  const { servers } = settings;
  const urls = servers.split(',').map((url) => url.trim());
  const options = { servers: urls, name: 'wakebus cli', timeout: CONNECT_TIMEOUT_MS, noAsyncTraces: true };
  const access = credentials(settings, io.env);
  try {
    return await connect({ ...options, ...access });
  } catch (cause) {
    throw new WakebusError('NOT_CONNECTED', { servers }, { cause });
  }
}

/** Runs work over a connection to a deployment. @throws what the work throws, `NOT_CONNECTED`, `SERVER_TOO_OLD`, `JETSTREAM_DISABLED`, `STREAM_MISSING`. */
export async function withSession<T>(
  settings: ResolvedSettings,
  io: CliIo,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { checkServer } = await import('@wakebus/placement-node');
  return withClient(settings, io, work, checkServer);
}

/** As {@link withSession}, without the runtime's knowledge of servers, nor the time that it takes to load. */
export async function withClient<T>(
  settings: ResolvedSettings,
  io: CliIo,
  work: (session: Session) => Promise<T>,
  check: (connection: NatsConnection) => WakebusError | undefined = () => undefined,
): Promise<T> {
  const connection = await openConnection(settings, io);
  try {
    // Before anything is asked of it: one that is too old might not answer.
    const wrong = check(connection);
    if (wrong !== undefined) throw wrong;
    const { prefix } = settings;
    const client = await createClient(connection, {
      operator: operatorOf(io.env),
      ...(prefix !== undefined && { prefix }),
    });
    return await work({ connection, client });
  } finally {
    await connection.close();
  }
}

/** Who acts, as far as this machine knows. */
function operatorOf({ WAKEBUS_OPERATOR: named, USER: user, LOGNAME: login }: CliIo['env']): string {
  return named ?? user ?? login ?? 'unknown';
}

/** How to get in: a credentials file, or what the environment says. @throws {WakebusError} `INVALID_OPTION`. */
export function credentials({ creds }: ResolvedSettings, env: CliIo['env']): NodeConnectionOptions {
  const { NATS_USER: user, NATS_PASSWORD: pass, NATS_TOKEN: token } = env;
  if (creds !== undefined) return { authenticator: credsAuthenticator(readCreds(creds)) };
  return { ...(user && { user }), ...(pass && { pass }), ...(token && { token }) };
}

function readCreds(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = `the file ${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    throw new WakebusError('INVALID_OPTION', { option: 'creds', why }, { cause });
  }
}
