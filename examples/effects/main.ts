/**
 * An effect that survives the death of its placement node, and happens once.
 */
import { createClient } from '@wakebus/client';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { order } from './order.ts';
import { Till } from './till.ts';

await using server = await startNatsServer();
await using till = new Till();
const url = await till.open();
const connection = await connectNats({ servers: server.url });
const first = await startPlacementNode({ connection, agents: [order] });
const client = await createClient(connection);

await client.agent(order, '17').send({ type: 'pay', till: url, cents: 42 });
await till.taken;
while (first.status().sessions > 0) await sleep(20);
first.close(); // As a crash would: without a word.
const waiting = await client.inspect(order, '17');
console.log(
  `the first node is gone, and nobody knows; the order is ${waiting?.lifecycle.name}, its effect is ${waiting?.journal[0]?.state}`,
);

const second = await startPlacementNode({ connection, agents: [order] });
let paid = waiting;
while (paid?.state !== 'paid') {
  await sleep(100);
  paid = await client.inspect(order, '17');
}
console.log(`order/17 is paid: ${JSON.stringify(paid.context.paid)}; the till has ${till.cents} cents`);

await second.drain();
await connection.close();
