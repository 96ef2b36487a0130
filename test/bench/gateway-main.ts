/**
 * A gateway in a process of its own, and beside it the same stack with nothing behind it, answering 204: what
 * HTTP alone costs here. Prints both URLs.
 */
import { serve } from '@hono/node-server';
import { serveGateway } from '@wakebus/gateway';
import { connectNats } from '@wakebus/placement-node';
import { Hono } from 'hono';

const connection = await connectNats({ servers: process.argv[2] as string });
const gateway = await serveGateway({ connection });
process.once('SIGINT', () => process.exit(0));
const floor = new Hono().post('/agents/:type/:id/:event', (call) => call.body(null, 204));

serve({ fetch: floor.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
  process.stdout.write(`${JSON.stringify({ gateway: gateway.url, floor: `http://127.0.0.1:${port}` })}\n`),
);
