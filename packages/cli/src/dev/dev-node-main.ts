/**
 * The process in which `wakebus dev` runs the agents of one file: `node dev-node-main.ts <file>`.
 *
 * It loads, reports, looks whether the agents that exist fit when it is asked to, waits for `start`, serves, and on `drain` (or when its parent is gone) drains and
 * exits. A Ctrl-C at the terminal reaches it too and is left to its parent.
 */
import { type PlacementNode, connectNats, startPlacementNode } from '@wakebus/placement-node';
import type { AnyAgentDefinition } from '@wakebus/core';
import { openNodeLog, startProcessTelemetry } from '../process-telemetry.ts';
import { whyUnfit } from './check-fit.ts';
import { loadAgents, summaryOf } from './load-agents.ts';
import type { DevDeployment, FromNode, ToNode } from './node-messages.ts';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const telemetry = await startProcessTelemetry('wakebus-dev');
const { agents, files, refusal } = await loadAgents(process.argv[2] as string);
let node: PlacementNode | undefined;

if (refusal !== undefined) {
  tell({ kind: 'refused', reason: refusal, files }, () => process.exit(1));
} else {
  process.on('message', (message: ToNode) => {
    if (message.kind === 'drain') void drain();
    else void (message.kind === 'check' ? check : start)(message.deployment, agents);
  });
  process.on('disconnect', () => void drain());
  tell({ kind: 'loaded', agents: agents.map(summaryOf), files });
}

async function check(deployment: DevDeployment, definitions: readonly AnyAgentDefinition[]): Promise<void> {
  const misfit = await whyUnfit(deployment, definitions).catch((error: unknown) => (error as Error).message);
  tell({ kind: 'checked', ...(misfit !== undefined && { misfit }) });
}

async function start(
  { servers, ...options }: DevDeployment,
  definitions: readonly AnyAgentDefinition[],
): Promise<void> {
  try {
    const connection = await connectNats({ servers: servers.split(','), name: 'wakebus dev' });
    node = await startPlacementNode({
      connection,
      agents: definitions,
      name: 'dev',
      log: await openNodeLog(),
      ...options,
    });
    tell({ kind: 'serving', nodeId: node.nodeId });
  } catch (error) {
    tell({ kind: 'failed', reason: (error as Error).message }, () => process.exit(1));
  }
}

async function drain(): Promise<void> {
  await node?.drain();
  await telemetry.stop();
  process.exit(0);
}

function tell(message: FromNode, then: () => void = () => {}): void {
  if (process.connected) process.send?.(message, then);
  else then();
}
