/**
 * Two agent types whose behaviour is a program, in Python and in plain Node.js: a ledger that adds up, and a clerk
 * that passes on. Both are asleep at the end, and nothing of them runs.
 */
import { createClient } from '@wakebus/client';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { defineProcessAgent } from '@wakebus/runners';

const cwd = import.meta.dirname;
const ledger = defineProcessAgent({ type: 'ledger', command: ['python3', 'ledger.py'], cwd });
const clerk = defineProcessAgent({ type: 'clerk', command: [process.execPath, 'clerk.mjs'], cwd });

await using server = await startNatsServer();
const connection = await connectNats({ servers: server.url });
const log = { info: () => {}, warn: (message: string) => console.error(message) };
const node = await startPlacementNode({ connection, agents: [ledger, clerk], log });
const client = await createClient(connection);

console.log(await client.agent('clerk', 'ada').call({ type: 'receive', invoice: 'tea', cents: 350 }));
console.log(await client.agent('clerk', 'ada').call({ type: 'receive', invoice: 'cups', cents: 1_200 }));
// What an agent sends arrives after its answer.
let cents: unknown;
while (cents !== 1_550) cents = await client.agent('ledger', 'main').call({ type: 'total' });
console.log(`the ledger has ${cents} cents`);

await node.drain();
const asleep = await client.inspect('ledger/main');
console.log(`${asleep?.address} is ${asleep?.lifecycle.name}, and remembers ${JSON.stringify(asleep?.context)}`);
await connection.close();
