/**
 * A bot on Telegram: its webhook comes to a gateway, each chat is an agent, and answers go out as effects.
 */
import { serveGateway, telegram } from '@wakebus/gateway';
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { notebook } from './notebook.ts';

const connection = await connectNats({ servers: process.env['NATS_URL'] ?? 'nats://127.0.0.1:4222' });
const node = await startPlacementNode({ connection, agents: [notebook] });
const gateway = await serveGateway({
  connection,
  port: Number(process.env['PORT'] ?? 8080),
  webhooks: {
    telegram: {
      scheme: telegram(),
      secrets: [process.env['TELEGRAM_SECRET'] ?? ''],
      replyTo: true,
      map: { agent: 'notebook/{/message/chat/id}', event: 'told', data: { text: '/message/text' } },
    },
  },
});
console.log(`${gateway.url}/hooks/telegram`);

process.once('SIGTERM', () => void stop());

async function stop(): Promise<void> {
  await gateway.close();
  await node.drain();
  await connection.close();
}
