/**
 * A placement node in a process of its own, with the SDK that its environment asks for: `node-main.ts <servers>`.
 * It says `ready`, and on any message drains, sends what is left, and ends.
 */
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { createLog, startTelemetry } from '../../src/mod.ts';
import { chainAgents } from './chain-agents.ts';

const payloads = process.env['TEST_PAYLOADS'] === 'true';
const parent = process.env['TEST_LINKS_ONLY'] === 'true' ? 'never' : 'trace';
const telemetry = await startTelemetry();
const connection = await connectNats({ servers: process.argv[2] as string });
const node = await startPlacementNode({
  connection,
  agents: chainAgents,
  log: createLog(),
  telemetry: { payloads, parent },
});

process.on('message', () => void leave());
process.on('disconnect', () => process.exit(1));
process.send?.('ready');

async function leave(): Promise<void> {
  await node.drain();
  await connection.close();
  await telemetry.stop();
  process.exit(0);
}
