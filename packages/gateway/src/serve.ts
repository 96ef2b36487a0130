/** `serveGateway`: a gateway on a port of its own, with Node.js's HTTP server bounded as the gateway's limits say. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocketServerLike, createAdaptorServer } from '@hono/node-server';
import { WakebusError } from '@wakebus/protocol';
import { WebSocketServer } from 'ws';
import { type Gateway, type GatewayOptions, createGateway } from './gateway.ts';
import { isLoopbackHost, loopbackOnly } from './loopback.ts';

export interface ServeOptions extends GatewayOptions {
  /** @default "127.0.0.1" – nobody else's, until somebody says so */
  readonly hostname?: string;
  /** @default 0 – a free one */
  readonly port?: number;
}

/** A gateway that listens. */
export interface ServedGateway {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  readonly deliver: Gateway['deliver'];
  /** Takes no more, answers what is under way, and ends; what takes longer than 10 s is cut. */
  close(): Promise<void>;
}

/** How long requests under way may take at the end, in milliseconds. */
const DRAIN_MS = 10_000;
const IDLE_CHECK_MS = 20;
/** An idle connection is kept for so long, in milliseconds: longer than the 60 s of common proxies, which otherwise meet a closed one. */
const KEEP_ALIVE_MS = 65_000;

/**
 * Serves.
 *
 * @throws {WakebusError} as {@link createGateway}; `INVALID_OPTION` when access is without tokens and not on loopback, or the port cannot be had.
 */
export async function serveGateway(options: ServeOptions): Promise<ServedGateway> {
  const { hostname = '127.0.0.1', port = 0, ...gatewayOptions } = options;
  if (options.authorize === loopbackOnly && !isLoopbackHost(hostname))
    throw new WakebusError('INVALID_OPTION', {
      option: 'hostname',
      why: `without tokens a gateway listens on loopback only, and ${hostname} is not`,
    });
  const gateway = await createGateway(gatewayOptions);
  const server = serverOf(gateway);
  await listen(server, hostname, port);
  const address = server.address() as AddressInfo;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { url: `http://${host}:${address.port}`, deliver: gateway.deliver, close: () => close(gateway, server) };
}

function serverOf({ fetch, limits }: Gateway): Server {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.bodyBytes });
  return createAdaptorServer({
    fetch: (request, env) => fetch(request, env),
    websocket: { server: sockets as unknown as WebSocketServerLike },
    serverOptions: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.arrivalMs,
      // The whole of a request, which for a body that drips is the sum of its pauses.
      requestTimeout: limits.arrivalMs + 1_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
  }) as Server;
}

function listen(server: Server, hostname: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = `the gateway cannot listen on ${hostname}:${port} (${cause.code ?? cause.message})`;
      reject(new WakebusError('INVALID_OPTION', { option: 'port', why }, { cause }));
    });
    server.listen(port, hostname, resolve);
  });
}

async function close(gateway: Gateway, server: Server): Promise<void> {
  gateway.close();
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  // A connection whose last answer has just gone is idle, and Node.js would keep it.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
