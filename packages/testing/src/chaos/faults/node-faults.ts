/**
 * Placement nodes killed, or stopped for a while, at each step that they come to.
 */
import type { AttachedNode } from '../cluster.ts';
import type { Blow, Step } from '../node-messages.ts';
import { pause, until } from '../patience.ts';
import type { Fault, Stage, Strike } from './fault.ts';
import { untilAgentsRun } from './recovery.ts';

const steps: readonly Step[] = [
  'turn',
  'in flight',
  'commit',
  'effect',
  'result',
  'relay',
  'acknowledge',
  'dehydrate',
  'hand-over',
];

/** A busy node comes to any step within moments; the last second of idleness before a sleep counts, too. */
const MEET_WITHIN_MS = 10_000;
/** Passes of the step before, at most: the first one is not special. */
const MOST_SKIPPED: Readonly<Partial<Record<Step, number>>> = { dehydrate: 3, 'hand-over': 2 };
const MOST_SKIPPED_ELSE = 30;
/** Stops in milliseconds: shorter than silence is noticed (1.2 s), as long, and past the lease (10 s). */
const STOPS_MS = [600, 1_500, 2_500, 4_000, 11_500] as const;

export const nodeFaults: readonly Fault[] = [
  ...(['SIGKILL', 'SIGSTOP'] as const).flatMap((blow) => [
    { kind: `node ${verb(blow)}, idle`, strike: (stage: Stage) => strikeIdle(stage, blow) },
    ...steps.map((step) => ({
      kind: `node ${verb(blow)}, ${step}`,
      strike: (stage: Stage) => strikeAt(stage, blow, step),
    })),
  ]),
  { kind: 'node drained', strike: strikeDrain },
  { kind: 'nodes killed, all', strike: strikeAll },
  { kind: 'clock stepped', strike: strikeClock },
];

function verb(blow: Blow): string {
  return blow === 'SIGKILL' ? 'killed' : 'stopped';
}

function chooseNode({ cluster, prng }: Stage): AttachedNode {
  return cluster.nodes[prng.below(cluster.nodes.length)] as AttachedNode;
}

async function strikeAt(stage: Stage, blow: Blow, step: Step): Promise<Strike> {
  const { cluster, prng } = stage;
  const node = chooseNode(stage);
  const skip = prng.below(MOST_SKIPPED[step] ?? MOST_SKIPPED_ELSE);
  const meeting = node.process.meet(step, blow, skip, MEET_WITHIN_MS);
  // Who joins gets a share of the others' agents, which is what hands them over.
  const newcomer = step === 'hand-over' ? await cluster.startNode() : undefined;
  const met = await meeting;
  const strike = met === undefined ? {} : { met: `${met.step} of ${met.key}`, ...(await recover(stage, node, blow)) };
  if (newcomer !== undefined && !node.process.hasEnded) await drain(stage, newcomer);
  await replaceEnded(stage);
  return strike;
}

/** Nothing is on its way, agents are in memory. */
async function strikeIdle(stage: Stage, blow: Blow): Promise<Strike> {
  const { cluster, traffic } = stage;
  const node = chooseNode(stage);
  await traffic.hold();
  const filter = cluster.ports.layout.inboxFilter();
  const isQuiet = await until(
    async () => (await cluster.ports.inboxes[0]?.subjects(filter).catch(() => undefined))?.size === 0,
    5_000,
  );
  const { sessions } = await node.process.look();
  if (blow === 'SIGKILL') await node.process.kill();
  else node.process.signal('SIGSTOP');
  traffic.release();
  const recovered = await recover(stage, node, blow);
  await replaceEnded(stage);
  return isQuiet && sessions > 0 ? { met: `idle with ${sessions} agents`, ...recovered } : recovered;
}

/** Its agents must run elsewhere. A node that was stopped then comes back, and finds out. */
async function recover(stage: Stage, node: AttachedNode, blow: Blow): Promise<Strike> {
  const held = stage.watch.heldBy(node.process.nodeId);
  const stopMs = STOPS_MS[stage.prng.below(STOPS_MS.length)] as number;
  const startedMs = performance.now();
  const running = untilAgentsRun(stage, held);
  if (blow === 'SIGSTOP') {
    await pause(stopMs);
    node.process.signal('SIGCONT');
  }
  const recoverMs = await running;
  // A stop that is over before anybody noticed is no takeover.
  const isTakeover = blow === 'SIGKILL' || performance.now() - startedMs > recoverMs + 100;
  return { recoverMs, recovers: isTakeover ? 'agents' : 'all' };
}

async function strikeDrain(stage: Stage): Promise<Strike> {
  const node = chooseNode(stage);
  const { sessions } = await node.process.look();
  const held = stage.watch.heldBy(node.process.nodeId);
  const drained = drain(stage, node);
  const recoverMs = await untilAgentsRun(stage, held);
  const remarks = await drained;
  await stage.cluster.startNode();
  return { met: `with ${sessions} agents`, recoverMs, recovers: 'agents', remarks };
}

/** All at once: nobody is left to take over until others have come. */
async function strikeAll(stage: Stage): Promise<Strike> {
  const { cluster } = stage;
  const nodes = [...cluster.nodes];
  await Promise.all(nodes.map((node) => cluster.endNode(node)));
  const startedMs = performance.now();
  await Promise.all(nodes.map(() => cluster.startNode()));
  await untilAgentsRun(stage);
  return { met: `${nodes.length} nodes at once`, recoverMs: performance.now() - startedMs, recovers: 'all' };
}

/** Ahead by less than a run waits for its timers, or back by an hour. */
async function strikeClock(stage: Stage): Promise<Strike> {
  const node = chooseNode(stage);
  const byMs = stage.prng.fraction() < 0.5 ? 15_000 : -3_600_000;
  await node.process.shiftClock(byMs);
  const recoverMs = await untilAgentsRun(stage, stage.watch.heldBy(node.process.nodeId));
  await pause(1_500);
  await node.process.shiftClock(0);
  return { met: `by ${byMs / 1000} s`, recoverMs, recovers: 'all' };
}

async function drain({ cluster }: Stage, node: AttachedNode): Promise<readonly string[]> {
  const hasDrained = await node.process.drain();
  await cluster.endNode(node);
  return hasDrained ? [] : [`${node.process.name} did not drain: ${node.process.complaints}`];
}

/** As a supervisor would. */
export async function replaceEnded({ cluster }: Stage): Promise<void> {
  const ended = cluster.nodes.filter(({ process }) => process.hasEnded);
  for (const node of ended) {
    await cluster.endNode(node);
    await cluster.startNode();
  }
}
