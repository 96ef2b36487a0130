/**
 * What an orchestrator asks of a placement node: `/health`, the process lives; `/ready`, it can do its work.
 *
 * Only these, and to anybody: no agent is reached this way.
 */
import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PlacementNode } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';

/** Where it listens. */
export interface HealthAddress {
  readonly host: string;
  readonly port: number;
}

export class NodeHealthServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.url = `http://${host}:${(server.address() as AddressInfo).port}`;
  }

  /** Starts it. @param draining - Aborted when the node begins to leave: it is not ready from then on. @throws {WakebusError} `INVALID_OPTION` when it cannot listen there. */
  static async start(
    node: Pick<PlacementNode, 'health'>,
    { host, port }: HealthAddress,
    draining: AbortSignal,
  ): Promise<NodeHealthServer> {
    const server = createServer(({ url }, response) => answer(node, draining, url, response));
    try {
      await once(server.listen(port, host), 'listening');
    } catch (cause) {
      const why = `nothing can listen on ${host}:${port} (${(cause as NodeJS.ErrnoException).code})`;
      throw new WakebusError('INVALID_OPTION', { option: '--health-port', why }, { cause });
    }
    return new NodeHealthServer(server, host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}

function answer(
  node: Pick<PlacementNode, 'health'>,
  draining: AbortSignal,
  url: string | undefined,
  response: ServerResponse,
): void {
  if (url === '/health') return say(response, 200, { status: 'ok' });
  if (url !== '/ready') return say(response, 404, { status: 'unknown' });
  if (draining.aborted) return say(response, 503, { status: 'draining' });
  const { ok, problems } = node.health();
  say(response, ok ? 200 : 503, { status: ok ? 'ready' : 'not ready', problems });
}

function say(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}
