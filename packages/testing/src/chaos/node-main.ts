/**
 * One placement node under faults, as a process of its own. See `node-process.ts`.
 *
 * At the step for which it is armed it says so and strikes itself, in one go: what it was about to do
 * has not begun, and what it had done has been done.
 */
import { writeSync } from 'node:fs';
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { chaosAgents } from './chaos-agents.ts';
import type { Blow, FromNode, NodeSetting, Step, ToNode } from './node-messages.ts';
import { shiftDate } from './shifted-date.ts';

const { name, servers, prefixes } = JSON.parse(process.argv[2] ?? '') as NodeSetting;

/** Longer than a redelivery takes. Without it each rest would wait a minute for the audit to tidy up after the last kill. */
const OVERDUE_MS = 10_000;

let armed: { readonly step: Step; readonly blow: Blow } | undefined;
let skip = 0;

/** Said on the standard output, and not over the channel: that would be too late for a process that ends. */
function strike(blow: Blow, step: Step, key: string): void {
  armed = undefined;
  writeSync(1, `met ${step.replace(' ', '_')} ${key}\n`);
  process.kill(process.pid, blow);
}

function pass(step: Step, key: string): void {
  if (armed?.step !== step) return;
  if (skip > 0) skip -= 1;
  else strike(armed.blow, step, key);
}

/** The commit leaves with what this turn of the event loop sends; its answer takes longer than the next one. */
function passInFlight(key: string): void {
  const now = armed;
  if (now?.step !== 'in flight' || (skip -= 1) >= 0) return;
  armed = undefined;
  setImmediate(() => setImmediate(() => strike(now.blow, 'in flight', key)));
}

const connection = await connectNats({ servers: [...servers], name, ignoreClusterUpdates: true });
const nodes = await Promise.all(
  prefixes.map((prefix) =>
    startPlacementNode({
      connection,
      prefix,
      agents: chaosAgents,
      name,
      setup: 'check',
      limits: { overdueMs: OVERDUE_MS },
      probes: {
        beforeCommit: (key) => {
          pass('turn', key);
          passInFlight(key);
        },
        afterCommit: (key) => pass('commit', key),
        beforeEffect: (key) => pass('effect', key),
        beforeResult: (key) => pass('result', key),
        beforeRelay: (key) => pass('relay', key),
        beforeSleep: (key, to) => pass(to === undefined ? 'dehydrate' : 'hand-over', key),
        beforeAck: (key) => pass('acknowledge', key),
      },
      log: { info: () => {}, warn: (message) => console.error(message) },
    }),
  ),
);

process.on('message', (message: ToNode) => void obey(message));
// Whoever started this process is gone: there is nobody to work for.
process.on('disconnect', abandon);
tell({ kind: 'ready', nodeId: nodes[0]?.nodeId ?? '' });

function abandon(): never {
  process.exit(1);
}

async function obey(message: ToNode): Promise<void> {
  if (message.kind === 'arm') {
    skip = message.skip;
    armed = message.step === undefined ? undefined : { step: message.step, blow: message.blow };
    tell({ kind: 'armed' });
  } else if (message.kind === 'shift') {
    shiftDate(message.byMs);
    tell({ kind: 'shifted' });
  } else if (message.kind === 'look') look();
  else {
    await Promise.all(nodes.map((node) => node.drain()));
    await connection.close();
    tell({ kind: 'drained' });
    // It ends by itself then: a handle left open would keep it, and be seen.
    process.off('disconnect', abandon);
    process.disconnect();
  }
}

function look(): void {
  const { rss, heapUsed } = process.memoryUsage();
  tell({
    kind: 'looked',
    sessions: nodes.reduce((sum, node) => sum + node.status().sessions, 0),
    mayAct: nodes.every((node) => node.status().mayAct),
    problems: nodes.flatMap((node) => node.health().problems.map(({ code }) => code)),
    rssBytes: rss,
    heapBytes: heapUsed,
    handles: process.getActiveResourcesInfo().length,
  });
}

function tell(message: FromNode): void {
  process.send?.(message);
}
