/**
 * A failing run as a story that a person can read: what each agent of the violations wrote around them, and what
 * befell the nodes meanwhile.
 */
import { type LastTurn, addressOf } from '@wakebus/protocol';
import type { AgentHistory, RecordWrite } from '../checker/run-history.ts';
import type { RunReport } from './run-report.ts';

/** Writes shown before and after one that a violation names. */
const AROUND = 3;
/** Agents and writes that are shown at most: a longer story is read by nobody. */
const MOST_AGENTS = 3;
const MOST_LINES = 40;

/** The story of a run. */
export function narrate(report: RunReport): string {
  const { history, violations } = report;
  const text = violations.join('\n');
  const named = [...history.agents.values()].filter(({ key }) => names(text, key) || names(text, addressOf(key)));
  return [
    ...violations.slice(0, 5),
    `the run: ${JSON.stringify(report.settings)}`,
    ...named.slice(0, MOST_AGENTS).flatMap((agent) => ['', `${agent.key}:`, ...tell(report, agent, text)]),
  ].join('\n');
}

function tell({ simulation }: RunReport, agent: AgentHistory, violations: string): string[] {
  const startMs = simulation.epochMs;
  const writes = choose(agent, violations);
  const [fromMs = 0, toMs = 0] = [writes[0]?.atMs, writes.at(-1)?.atMs].map((atMs) => (atMs ?? startMs) - startMs);
  const disasters = simulation.disasters.filter(({ ms }) => ms >= fromMs - 1_000 && ms <= toMs + 1_000);
  const lines = [
    ...writes.map((write) => ({ ms: write.atMs - startMs, line: lineOf(write) })),
    ...disasters.map(({ ms, what }) => ({ ms, line: `*** ${what}` })),
  ];
  return lines
    .toSorted((a, b) => a.ms - b.ms)
    .slice(0, MOST_LINES)
    .map(({ ms, line }) => `${(ms / 1000).toFixed(3).padStart(9)} s  ${line}`);
}

/** The writes that a violation names, by revision or by an event in them, with some around; the last ones where it names none. */
function choose({ writes }: AgentHistory, violations: string): readonly RecordWrite[] {
  const hits = writes.flatMap((write, i) => (isNamed(write, violations) ? [i] : []));
  const [first = writes.length - 1, last = writes.length - 1] = [hits[0], hits.at(-1)];
  return writes.slice(Math.max(0, first - AROUND), last + AROUND + 1);
}

function isNamed({ revision, record }: RecordWrite, violations: string): boolean {
  if (names(violations, `revision ${revision}`)) return true;
  return ownTurn(record)?.events.some(({ id }) => id !== undefined && names(violations, id)) ?? false;
}

/** Whether a text has a name in it, and not as the beginning of a longer one. */
function names(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1))
    if (!/\w/.test(text[at + name.length] ?? '')) return true;
  return false;
}

function ownTurn(record: RecordWrite['record']): LastTurn | undefined {
  return record?.last?.commit === record?.commit ? record?.last : undefined;
}

function lineOf({ revision, by, record }: RecordWrite): string {
  if (record === undefined) return `revision ${revision} by ${by || 'the server'}: deleted`;
  const { lease, cursor, lifecycle } = record;
  const turn = ownTurn(record);
  const took = turn?.events.map(({ type, id, from }) => [type, id ?? from].filter(Boolean).join(' ')).join(', ');
  const made = turn?.outputs.join(', ');
  return [
    `revision ${revision} by ${by}, epoch ${lease.epoch}, cursor ${cursor}, ${lifecycle.name}`,
    took === undefined ? '' : ` took ${took || 'nothing'}`,
    made === undefined || made === '' ? '' : ` → ${made}`,
  ].join('');
}
