/**
 * One placement node of the demo, as a process of its own.
 *
 * It can be asked to stop itself, by SIGSTOP, between a turn and its commit: the moment at which a
 * placement node that wakes up late is most dangerous.
 */
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import type { AgentKey } from '@wakebus/protocol';
import { openNodeLog, startProcessTelemetry } from '../process-telemetry.ts';
import { demoAgents } from './agents.ts';
import type { FromNode, NodeSetting, ToNode } from './node-messages.ts';

const { servers, name, githubUrl, sabotage } = JSON.parse(process.argv[2] ?? '') as NodeSetting;

/** Between two looks whether the server is there, in milliseconds. */
const RECONNECT_LOOK_MS = 20;

let armed: AgentKey | undefined;
/** Once is enough: what was asked while it stood still must not stop it again. */
let hasStopped = false;

const telemetry = await startProcessTelemetry('wakebus-demo');
const connection = await connectNats({ servers, name });
const node = await startPlacementNode({
  connection,
  agents: demoAgents(githubUrl),
  name,
  setup: 'check',
  sabotage,
  probes: { beforeCommit: stopIfArmed },
  log: await openNodeLog(),
});

process.on('message', (message: ToNode) => void obey(message));
// Whoever started this process is gone: there is nobody to work for.
process.on('disconnect', () => process.exit(1));
await tell({ kind: 'ready' });

async function obey(message: ToNode): Promise<void> {
  if (message.kind === 'arm') {
    armed = message.key;
    await tell({ kind: 'armed' });
    return;
  }
  await node.drain();
  await connection.close();
  await telemetry.stop();
  await tell({ kind: 'drained' });
  process.exit(0);
}

async function stopIfArmed(key: AgentKey): Promise<void> {
  if (key !== armed || hasStopped) return;
  hasStopped = true;
  await tell({ kind: 'stopping', key });
  process.kill(process.pid, 'SIGSTOP');
  await reconnected();
}

/** Where the server went in the meantime, the commit waits for it: a commit that cannot be sent is no danger. */
async function reconnected(): Promise<void> {
  for (;;) {
    try {
      return await connection.flush();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_LOOK_MS));
    }
  }
}

/** Resolves when the message is on its way, and so is not held up by a stop. */
function tell(message: FromNode): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}
