/**
 * Publishing to agents with nothing but a NATS client: no Wakebus package, and no agent code.
 *
 * An event is JSON on `agents.<type>.<id>.<event>`. `Nats-Msg-Id` is optional; with it, an event that is
 * sent again is processed once.
 */
import { connect } from 'nats';

const connection = await connect({ servers: process.env['NATS_URL'] ?? 'nats://127.0.0.1:4222' });
const jetstream = connection.jetstream();

for (const [id, item] of [
  ['order-17-1', 'tea'],
  ['order-17-2', 'cups'],
  ['order-17-2', 'cups'],
] as const) {
  const { seq, duplicate } = await jetstream.publish('agents.order.17.add', JSON.stringify({ item }), { msgID: id });
  console.log(`${id}: ${duplicate ? 'known already, dropped' : `stored as message ${seq}`}`);
}

await connection.drain();
