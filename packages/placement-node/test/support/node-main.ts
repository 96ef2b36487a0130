/** The program of a node process: see `node-process.ts`. */
import { connectNats, startPlacementNode } from '../../src/mod.ts';
import { listAgent } from './agents.ts';
import { payerAgent } from './payer.ts';
import type { NodeOrder, NodeProcessOptions, NodeReport, Step } from './node-process.ts';

const options = JSON.parse(process.argv[2] as string) as NodeProcessOptions & { url: string; prefix: string };
const { url, prefix, types = { list: 1 }, agent = {}, dieAt, waitBeforeCommitOf } = options;
const waiting: Array<() => void> = [];
let mayPass = false;
let times = 0;

function report(message: NodeReport): void {
  process.send?.(message);
}

/** Ends the process when it comes to the step at which it shall die. */
function pass(step: Step): void {
  if (dieAt?.step !== step) return;
  times += 1;
  if (times === dieAt.time) process.kill(process.pid, 'SIGKILL');
}

async function beforeCommit(key: string): Promise<void> {
  pass('beforeCommit');
  if (key !== waitBeforeCommitOf || mayPass) return;
  await new Promise<void>((resolve) => {
    waiting.push(resolve);
    report({ kind: 'waiting', key });
  });
}

const node = await startPlacementNode({
  connection: await connectNats({ servers: url }),
  prefix,
  setup: 'check',
  agents: [
    ...Object.entries(types).map(([type, version]) => listAgent({ type, version, ...agent })),
    ...(options.payers === true ? [payerAgent()] : []),
  ],
  ...(options.name !== undefined && { name: options.name }),
  ...(options.pool !== undefined && { pool: options.pool }),
  ...(options.limits !== undefined && { limits: options.limits }),
  ...(options.history !== undefined && { history: options.history }),
  probes: {
    beforeCommit,
    afterCommit: () => pass('afterCommit'),
    beforeRelay: () => pass('beforeRelay'),
    beforeEffect: () => pass('beforeEffect'),
    beforeResult: () => pass('beforeResult'),
    beforeAck: () => pass('beforeAck'),
  },
});

process.on('message', (order: NodeOrder) => {
  if (order.kind === 'goOn') {
    mayPass = true;
    for (const resolve of waiting.splice(0)) resolve();
  } else if (order.kind === 'status') {
    const { sessions, effects } = node.status();
    report({ kind: 'status', status: { sessions, effects } });
  } else {
    void node.drain().then(() => report({ kind: 'drained' }));
  }
});
// The parent is gone: nobody would end this process.
process.on('disconnect', () => process.exit());
report({ kind: 'started', nodeId: node.nodeId });
