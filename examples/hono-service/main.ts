/**
 * An HTTP service that runs its agents itself: Hono in front, a placement node inside.
 *
 * Several of these may run side by side on one NATS server: each agent runs in one of them, and any of
 * them answers for it. On SIGTERM the service stops listening, hands its agents over, and ends.
 */
import { serve } from '@hono/node-server';
import { createClient } from '@wakebus/client';
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { Hono } from 'hono';
import { counter } from './counter.ts';

const connection = await connectNats({ servers: process.env['NATS_URL'] ?? 'nats://127.0.0.1:4222' });
const node = await startPlacementNode({ connection, agents: [counter] });
const client = await createClient(connection);
const app = new Hono();

app.post('/counters/:id/add', async (context) => {
  const { amount } = await context.req.json<{ amount: number }>();
  const id = context.req.header('Idempotency-Key');
  const agent = client.agent(counter, context.req.param('id'));
  return context.json(await agent.call({ type: 'add', amount }, id === undefined ? {} : { id }));
});

/** Looking does not wake the agent. */
app.get('/counters/:id', async (context) => {
  const agent = await client.inspect(counter, context.req.param('id'));
  return agent === undefined ? context.notFound() : context.json(agent.context);
});

app.onError((error, context) => context.json({ error: error.message }, 409));

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) }, (info) =>
  console.log(`http://127.0.0.1:${info.port}`),
);

process.once('SIGTERM', () => void stop());

async function stop(): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
  await node.drain();
  await connection.close();
  console.log('drained');
}
