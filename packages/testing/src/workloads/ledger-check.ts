/**
 * What must hold of the ledger: nothing lost, doubled, invented or out of order, whatever happened to the
 * nodes. Every value is unique, so each fault of that kind shows.
 */
import { type AgentKey, addressOf, parseAddress } from '@wakebus/protocol';
import { checkAnswers } from '../checker/check-answers.ts';
import { checkConsumed, consumedBy, sentId } from '../checker/check-consumed.ts';
import { type ListExpectation, checkGrowth, checkList, checkOrder } from '../checker/check-lists.ts';
import { type PairTraffic, checkPairs } from '../checker/check-pairs.ts';
import type { AgentHistory, ClientOperation, RunHistory, Violation } from '../checker/run-history.ts';
import { ledgerOf, passedId, remindedId } from './ledger-agent.ts';

/** Kinds of operations that end in the dead letters, and nowhere else. */
const DEADLY: ReadonlySet<string> = new Set(['fail', 'kill']);
/** Kinds of operations that leave no entry. */
const SILENT: ReadonlySet<string> = new Set([...DEADLY, 'suspend', 'release', 'remove']);

/** Everything that the ledger promises. @param lost - Agents that lost their record, and with it their part of the promise. */
export function checkLedger(history: RunHistory, lost: ReadonlySet<AgentKey> = new Set()): Violation[] {
  const agents = [...history.agents.values()].filter(({ key }) => !lost.has(key));
  const whole = agents.filter((agent) => !hasBeenRemoved(agent));
  const removed = agents.filter(hasBeenRemoved);
  const events = history.operations.filter(({ kind }) => !SILENT.has(kind));
  const only = (some: readonly AgentHistory[]): RunHistory => ({
    ...history,
    agents: new Map(some.map((agent) => [agent.key, agent])),
  });
  return [
    ...whole.flatMap((agent) => checkContents(history, agent)),
    // A removed agent's list goes with it, but not what its commits say that they consumed.
    ...removed.flatMap((agent) => checkConsumed(agent, events)),
    ...checkOrder(only(whole), listOf),
    ...checkOrder(only(removed), consumedBy),
    ...checkPairs(trafficOf(history, whole)),
    ...checkAnswers(only(whole), listOf),
    ...(lost.size > 0 ? [] : checkDeadLetters(history)),
    ...agents.flatMap((agent) => checkRest(agent, history)),
  ];
}

/** A ledger goes to sleep after two seconds, and a run ends after many more: who holds it then, and lives, has forgotten it. */
function checkRest({ key, record }: AgentHistory, { living }: RunHistory): Violation[] {
  const holder = record?.lease.holder ?? '';
  return living.has(holder) ? [`${key}: ${holder} still holds it at the end`] : [];
}

function checkContents(history: RunHistory, agent: AgentHistory): Violation[] {
  const states = agent.writes.map(({ record }) => (ledgerOf(record)?.entries ?? []).map(({ id }) => id));
  return [...checkList(agent.key, listOf(agent), expectationOf(history, agent)), ...checkGrowth(agent, states)];
}

/** What follows from what is in the lists is required as well: a passed event, a timer that must have fired. */
function expectationOf({ agents, operations }: RunHistory, { key }: AgentHistory): ListExpectation {
  const required = new Set<string>();
  const allowed = new Set<string>();
  for (const { id, agent, kind, outcome, to } of operations) {
    // Once removed, a sender has no list any more that says what it has processed.
    if (to === addressOf(key)) allowed.add(passedId(id));
    if (SILENT.has(kind) || outcome === 'fail' || agent !== key) continue;
    const known = outcome === 'ok' ? required : allowed;
    known.add(id);
    if (kind === 'remind') known.add(remindedId(id));
  }
  for (const sender of agents.values()) {
    for (const id of listOf(sender)) if (allowed.has(passedId(id))) required.add(passedId(id));
  }
  return { required, allowed };
}

function trafficOf({ agents }: RunHistory, senders: readonly AgentHistory[]): PairTraffic[] {
  const whole = new Set(senders.map(({ key }) => key));
  return senders.flatMap((sender) =>
    Object.entries(ledgerOf(sender.record)?.sent ?? {}).flatMap(([to, count]) => {
      const key = parseAddress(to);
      // What an agent got in a life before its last one, nobody can read.
      if (agents.has(key) && !whole.has(key)) return [];
      const entries = ledgerOf(agents.get(key)?.record)?.entries ?? [];
      const received = entries.filter(({ from }) => from === addressOf(sender.key)).map(({ number }) => number);
      return [{ from: sender.key, to, received, sent: count }];
    }),
  );
}

/** An event that always throws, or always kills, is in the dead letters, and nothing else is. */
function checkDeadLetters({ agents, operations }: RunHistory): Violation[] {
  const deadly = operations.filter(({ kind }) => DEADLY.has(kind));
  const letters = [...agents.values()].flatMap(({ deadLetters }) => deadLetters);
  const found = new Set(letters.map(({ headers }) => sentId(headers)));
  const known = new Set(deadly.map(({ id }) => id));
  return [
    ...deadly
      .filter(({ id, outcome }: ClientOperation) => outcome === 'ok' && !found.has(id))
      .map(({ id }) => `${id} always fails and is not in the dead letters`),
    ...letters
      .filter(({ headers, code }) => code !== 'AGENT_REMOVED' && !known.has(sentId(headers)))
      .map(({ key, seq, code, message }) => `${key}: message ${seq} is in the dead letters: ${code} ${message}`),
  ];
}

function listOf({ record }: AgentHistory): readonly string[] {
  return (ledgerOf(record)?.entries ?? []).map(({ id }) => id);
}

function hasBeenRemoved({ writes }: AgentHistory): boolean {
  return writes.some(({ record }) => record?.lifecycle.name === 'removed' || (record?.incarnation ?? 1) > 1);
}
