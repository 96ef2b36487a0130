/**
 * A placement node in a process of its own, with the SDK that its environment asks for: `node-main.ts <servers>`.
 * It says `ready`, and on any message drains, sends what is left, and ends.
 */
import { connectNats, natsPorts, readLayout, startPlacementNode } from '@wakebus/placement-node';
import type { AgentKey } from '@wakebus/protocol';
import { createLog, startTelemetry } from '../../src/mod.ts';
import { chainAgents } from './chain-agents.ts';

let hasOvertaken = false;
const payloads = process.env['TEST_PAYLOADS'] === 'true';
const parent = process.env['TEST_LINKS_ONLY'] === 'true' ? 'never' : 'trace';
const telemetry = await startTelemetry();
const connection = await connectNats({ servers: process.argv[2] as string });
const node = await startPlacementNode({
  connection,
  agents: chainAgents,
  log: createLog(),
  telemetry: { payloads, parent },
  // What waits is taken in one turn, on a busy machine too.
  limits: { turnMs: 5_000 },
  probes: {
    beforeCommit: (key) => (key === process.env['TEST_RACE'] ? overtake(key) : undefined),
    beforeAck: (key) => {
      if (key === process.env['TEST_DIE_BEFORE_ACK']) process.kill(process.pid, 'SIGKILL');
    },
  },
});

process.on('message', () => void leave());
process.on('disconnect', () => process.exit(1));
process.send?.('ready');

/** Writes the record before its own commit does, once: as another node would that has the agent too. */
async function overtake(key: AgentKey): Promise<void> {
  if (hasOvertaken) return;
  const { agents } = natsPorts(connection, await readLayout(connection));
  const { bytes, revision } = await agents.getFresh(key);
  if (bytes === undefined) return;
  hasOvertaken = true;
  await agents.put(key, bytes, revision);
}

async function leave(): Promise<void> {
  await node.drain();
  await connection.close();
  await telemetry.stop();
  process.exit(0);
}
