/** A real server, a deployment, a placement node and a gateway on a port, for the tests of this folder. */
import { createConnection } from 'node:net';
import type { AnyAgentDefinition } from '@wakebus/core';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import {
  type DeploymentOptions,
  type PlacementNode,
  connectNats,
  createDeployment,
  startPlacementNode,
} from '@wakebus/placement-node';
import {
  type Grant,
  type ServeOptions,
  type ServedGateway,
  TokenStore,
  type TokenWish,
  serveGateway,
} from '@wakebus/gateway';
import { type Client, createClient } from '@wakebus/client';
import { expect } from 'vitest';
import { tally } from './tally-agent.ts';

/** Between two bytes of somebody slow, in milliseconds. */
const DRIP_MS = 10;

type Connection = Awaited<ReturnType<typeof connectNats>>;

export interface World extends AsyncDisposable {
  readonly server: NatsServers;
  readonly connection: Connection;
  readonly client: Client<{ tally: typeof tally }>;
  readonly tokens: TokenStore;
  /** Another gateway, as another process would run it. */
  serve(options?: Partial<ServeOptions>): Promise<ServedGateway>;
  startNode(agents?: readonly AnyAgentDefinition[]): Promise<PlacementNode>;
  /** Has all of them leave in order. */
  stopNodes(): Promise<void>;
  /** A token that may do this. */
  token(wish?: Partial<TokenWish>): Promise<string>;
}

export async function startWorld(options: DeploymentOptions = {}): Promise<World> {
  const server = await startNatsServer();
  const connections: Connection[] = [];
  const nodes: PlacementNode[] = [];
  const gateways: ServedGateway[] = [];
  const connect = async (): Promise<Connection> => {
    const connection = await connectNats({ servers: server.url });
    connections.push(connection);
    return connection;
  };
  const connection = await connect();
  await createDeployment(connection, options);
  const tokens = await TokenStore.open(connection);
  return {
    server,
    connection,
    client: await createClient(connection),
    tokens,
    serve: async (more = {}) => {
      const gateway = await serveGateway({ connection: await connect(), ...more });
      gateways.push(gateway);
      return gateway;
    },
    startNode: async (agents = [tally]) => {
      const node = await startPlacementNode({ connection: await connect(), agents });
      nodes.push(node);
      return node;
    },
    stopNodes: async () => {
      await Promise.all(nodes.splice(0).map((node) => node.drain()));
    },
    token: async (wish = {}) =>
      (await tokens.issue({ target: '*', verbs: ['send', 'call', 'read', 'control'], ...wish })).token,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      for (const node of nodes) node.close();
      await Promise.all(connections.map((each) => each.close()));
      await server.stop();
    },
  };
}

/** Lets everyone do everything: for tests of something else than access. */
export const everyone = (): Grant => ({ id: 'everyone', target: '*', verbs: ['send', 'call', 'read', 'control'] });

/** What a request came to. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/** Sends a request to a gateway; a body that is no text is sent as JSON. */
export async function ask(
  gateway: ServedGateway,
  method: string,
  path: string,
  { body, ...more }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream;
  const init = {
    method,
    ...more,
    ...(body !== undefined && {
      body: (isRaw ? body : JSON.stringify(body)) as NonNullable<RequestInit['body']>,
      headers: { 'Content-Type': 'application/json', ...more.headers },
      duplex: 'half' as const,
    }),
  };
  const response = await fetch(gateway.url + path, init);
  const text = await response.text();
  const isJson = text !== '' && /[/+]json$/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as Answer['body']) : {},
  };
}

/**
 * Sends raw bytes.
 *
 * @param rest - Comes after them, byte by byte, for as long as the server listens. @default nothing more
 * @returns what comes back until the server closes.
 */
export function raw(gateway: ServedGateway, text: string, rest = ''): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection(Number(new URL(gateway.url).port), '127.0.0.1');
    let answer = '';
    let sent = 0;
    const drip = setInterval(() => rest !== '' && socket.write(rest[sent++] ?? ' '), DRIP_MS);
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(drip);
      resolve(answer);
    });
    socket.write(text);
  });
}

/** `expect.poll` with the patience of a busy machine. */
export function eventually<T>(read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 15_000 });
}
