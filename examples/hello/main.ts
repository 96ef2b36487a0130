/**
 * The smallest program that runs: a server, a placement node, one agent, two calls.
 */
import { createClient } from '@wakebus/client';
import { defineAgent, reply } from '@wakebus/core';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { assign, createMachine } from 'xstate';

const machine = createMachine({
  types: {} as { context: { names: string[] }; events: { type: 'greet'; name: string } },
  context: { names: [] },
  on: {
    greet: {
      actions: [
        assign({ names: ({ context, event }) => [...context.names, event.name] }),
        reply(({ context, event }) => `Hello ${event.name}! You are number ${context.names.length} here.`),
      ],
    },
  },
});
const hello = defineAgent({ type: 'hello', machine });

await using server = await startNatsServer();
const connection = await connectNats({ servers: server.url });
const node = await startPlacementNode({ connection, agents: [hello] });
const client = await createClient(connection);

const agent = client.agent(hello, 'town-hall');
console.log(await agent.call({ type: 'greet', name: 'Ada' }));
console.log(await agent.call({ type: 'greet', name: 'Grace' }));

await node.drain();
const asleep = await client.inspect('hello/town-hall');
console.log(`${asleep?.address} is ${asleep?.lifecycle.name}, and remembers ${JSON.stringify(asleep?.context)}`);
await connection.close();
