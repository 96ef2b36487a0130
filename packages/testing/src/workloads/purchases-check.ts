/**
 * What a till and its buyers must agree on.
 */
import type { AgentKey, JournalEntry } from '@wakebus/protocol';
import { type AgentHistory, type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import type { BuyerContext } from './buyer-agent.ts';

/** An attempt that has begun. */
export interface Begun {
  /** The effect's key. */
  readonly key: string;
  /** Which of its attempts it is, from 1 on. */
  readonly run: number;
  readonly atMs: number;
}

/** Nothing twice in the till, and nobody left without a word: each purchase is told of once, or stands as `maybe`. */
export function checkPurchases({ agents, operations }: RunHistory, entries: ReadonlyMap<string, number>): Violation[] {
  const told = new Map([...agents.values()].flatMap(toldBy));
  const twice = [...entries].filter(([, count]) => count > 1).map(([id, count]) => `${id} was entered ${count} times`);
  const wrong = operations.flatMap(({ id, agent, kind, outcome }) => {
    const how = told.get(id) ?? [];
    const why = whyWrong(kind, how, entries.get(id) ?? 0, outcome === 'ok', isUnknown(agents.get(agent), id));
    return why === undefined ? [] : [`${agent}: ${kind} ${id} (told ${JSON.stringify(how)}) ${why}`];
  });
  return [...twice, ...wrong, ...checkNothingLeft(agents)];
}

/** An attempt of which it was committed that nobody runs it has not begun after that: whoever judges its effect relies on it. */
export function checkBegun({ agents }: RunHistory, begun: readonly Begun[]): Violation[] {
  const lastMs = new Map<string, number>();
  for (const { key, run, atMs } of begun) lastMs.set(`${key}#${run}`, Math.max(atMs, lastMs.get(`${key}#${run}`) ?? 0));
  return [...agents.values()].flatMap(({ key, writes }) => {
    let before: readonly JournalEntry[] = [];
    return writes.flatMap(({ record, atMs }) => {
      const started = before.filter(({ state, phase }) => state === 'started' && phase === undefined);
      before = record?.journal ?? [];
      return started
        .filter(({ generation }) =>
          before.some((entry) => entry.generation === generation && isSaidToRunNowhere(entry)),
        )
        .filter((entry) => (lastMs.get(`${entry.key}#${entry.runs}`) ?? 0) > atMs)
        .map(({ id, runs }) => `${key}: attempt ${runs} of ${id} began after it was said that nobody runs it`);
    });
  });
}

function isSaidToRunNowhere({ error }: JournalEntry): boolean {
  return error?.code === 'EFFECT_MAYBE' && /is gone|does not run it/.test(error.message);
}

/** Purchases of which the agents, or their operators, were told that nobody knows how they ended. */
export function gapsOf({ agents }: RunHistory): number {
  return [...agents.values()].reduce((sum, agent) => {
    const told = toldBy(agent).filter(([, how]) => how.includes('EFFECT_MAYBE')).length;
    const listed = agent.record?.journal.filter(({ state }) => state === 'maybe').length ?? 0;
    return sum + told + listed;
  }, 0);
}

function whyWrong(
  kind: string,
  told: readonly string[],
  entered: number,
  isSure: boolean,
  isMaybe: boolean,
): string | undefined {
  const words = told.length + (isMaybe ? 1 : 0);
  if (words > 1) return 'was told of twice';
  if (words === 0) return isSure || entered > 0 ? 'was never told of' : undefined;
  if (told[0] === 'entered' && entered === 0) return 'is not in the till';
  const isUnsure = isMaybe || told[0] === 'EFFECT_MAYBE';
  if (told[0] !== 'entered' && !isUnsure && entered > 0 && kind !== 'keyed') return 'is in the till after all';
  if (isMaybe && kind !== 'asked' && kind !== 'undone') return 'waits for an operator who was not asked for';
  return undefined;
}

function toldBy(agent: AgentHistory): Array<[id: string, how: readonly string[]]> {
  const words = (contextOf(agent.record) as BuyerContext | undefined)?.told ?? [];
  return [...Map.groupBy(words, ([id]) => id)].map(([id, group]) => [id, group.map(([, how]) => how)]);
}

function isUnknown(agent: AgentHistory | undefined, id: string): boolean {
  return agent?.record?.journal.some((entry) => entry.id === id && entry.state === 'maybe') === true;
}

function checkNothingLeft(agents: ReadonlyMap<AgentKey, AgentHistory>): Violation[] {
  return [...agents.values()].flatMap(({ key, record, deadLetters }) => [
    ...(record?.journal ?? [])
      .filter(({ state }) => state === 'planned' || state === 'started')
      .map(({ id, state }) => `${key}: ${id} is still ${state}`),
    ...deadLetters.map(({ seq, code, message }) => `${key}: message ${seq} is in the dead letters: ${code} ${message}`),
  ]);
}
