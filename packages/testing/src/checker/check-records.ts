/**
 * What must hold from each state of a record to the next, whatever the machine does.
 */
import type { AgentRecord } from '@wakebus/protocol';
import type { AgentHistory, RunHistory, Violation } from './run-history.ts';

/** Epochs and cursors only rise, no commit is written twice, and only the holder of a claim writes. */
export function checkRecords(history: RunHistory): Violation[] {
  return [...history.agents.values()].flatMap((agent) => [...checkSteps(agent), ...checkCommits(agent)]);
}

function checkSteps({ key, writes }: AgentHistory): Violation[] {
  const violations: Violation[] = [];
  for (let i = 1; i < writes.length; i += 1) {
    const [before, after] = [writes[i - 1]?.record, writes[i]?.record];
    if (before === undefined || after === undefined) continue;
    for (const wrong of stepFaults(before, after))
      violations.push(`${key}, revision ${writes[i]?.revision} by ${writes[i]?.by}: ${wrong}`);
  }
  return violations;
}

function stepFaults(before: AgentRecord, after: AgentRecord): string[] {
  const faults: string[] = [];
  const falls = (what: string, from: number, to: number): void => {
    if (to < from) faults.push(`the ${what} falls from ${from} to ${to}`);
  };
  falls('incarnation', before.incarnation, after.incarnation);
  if (before.incarnation !== after.incarnation) return faults;
  falls('epoch', before.lease.epoch, after.lease.epoch);
  falls('cursor', before.cursor, after.cursor);
  falls('count of turns', before.turns, after.turns);
  falls('machine version', before.machineVersion, after.machineVersion);
  const changedHands = after.lease.holder !== '' && before.lease.holder !== after.lease.holder;
  if (changedHands && after.lease.epoch <= before.lease.epoch)
    faults.push(`${after.lease.holder} claims without a higher epoch than ${before.lease.epoch}`);
  return faults;
}

function checkCommits({ key, writes }: AgentHistory): Violation[] {
  const commits = writes.flatMap(({ record }) => (record === undefined ? [] : [record.commit]));
  const twice = commits.filter((commit, i) => commits.indexOf(commit) !== i);
  return [...new Set(twice)].map((commit) => `${key}: the commit ${commit} was written more than once`);
}
