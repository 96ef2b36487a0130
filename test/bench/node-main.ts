/**
 * A placement node as a process of its own, to be killed, drained, or made to join at a moment.
 */
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import type { NodeOrder, NodeReport, NodeSetting } from './node-process.ts';
import { counterAgent } from './world.ts';

const { servers, prefix } = JSON.parse(process.argv[2] as string) as NodeSetting;
const connection = await connectNats({ servers });
let isHolding = false;
let held = 0;

function report(message: NodeReport): void {
  process.send?.(message);
}

async function join(): Promise<() => Promise<void>> {
  const node = await startPlacementNode({
    connection,
    prefix,
    agents: [counterAgent('counter', 700, 600_000)],
    probes: { beforeCommit: () => (isHolding ? standStill() : undefined) },
  });
  report({ kind: 'joined', nodeId: node.nodeId });
  return () => node.drain();
}

/** Whoever comes here waits until the process is killed. */
function standStill(): Promise<void> {
  held += 1;
  report({ kind: 'held', count: held });
  return new Promise(() => {});
}

let drain: () => Promise<void> = async () => {};
process.on('message', (order: NodeOrder) => {
  if (order === 'join') void join().then((leave) => (drain = leave));
  if (order === 'drain') void drain().then(() => report({ kind: 'drained' }));
  if (order !== 'hold') return;
  isHolding = true;
  report({ kind: 'held', count: 0 });
});
process.once('disconnect', () => process.exit(0));
report({ kind: 'loaded' });
