/**
 * Child machines that drive on while their agent sleeps, and arrive at another placement node.
 */
import { createClient } from '@wakebus/client';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { tour } from './tour.ts';

await using server = await startNatsServer();
const connection = await connectNats({ servers: server.url });
const first = await startPlacementNode({ connection, agents: [tour] });
const client = await createClient(connection);

const summer = client.agent(tour, 'summer');
await summer.call({ type: 'visit', place: 'Oslo', driveMs: 6_000 });
await summer.call({ type: 'visit', place: 'Bergen', driveMs: 3_500 });

await first.drain();
const asleep = await client.inspect(tour, 'summer');
for (const [place, child] of Object.entries(asleep?.children ?? {})) console.log(place, 'is', child.state);
console.log(`tour/summer is ${asleep?.lifecycle.name}, with ${asleep?.timers.length} delays`);

const second = await startPlacementNode({ connection, agents: [tour] });
let stamps = asleep?.context.stamps ?? [];
while (stamps.length < 2) {
  await sleep(50);
  stamps = (await client.inspect(tour, 'summer'))?.context.stamps ?? [];
}
console.log(`the stamps of the tour: ${stamps.join(', ')}`);

await second.drain();
await connection.close();
