/**
 * Sends many events to one agent, from a process of its own: whoever measures must not share its thread.
 */
import { createClient } from '@wakebus/client';
import { connectNats } from '@wakebus/placement-node';
import { inFlight } from './in-flight.ts';

const { servers, prefix, type, id, messages } = JSON.parse(process.argv[2] as string) as {
  servers: string;
  prefix: string;
  type: string;
  id: string;
  messages: number;
};
const connection = await connectNats({ servers });
const client = await createClient(connection, { prefix });
const agent = client.agent(type, id);
await inFlight(Array.from({ length: messages }), 256, async () => void (await agent.send({ type: 'add', by: 1 })));
await connection.close();
process.exit(0);
