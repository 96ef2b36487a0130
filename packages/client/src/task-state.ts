/**
 * The task of an agent: where it stands, what it has behind it, what may come next, and what failed. Read from
 * its record, its history and the statechart of its type; looking never wakes it.
 */
import { decode, parseAddress, splitKey } from '@wakebus/protocol';
import type { DeadLetters } from './dead-letters.ts';
import { readHistory } from './history.ts';
import { type AgentInspection, inspectAgent } from './inspect.ts';
import type { ClientPorts } from './ports.ts';

/** An event that the machine knows in its present state. */
export interface NextCandidate {
  readonly event: string;
  /** Paths of the states that it leads to; empty where the state stays. */
  readonly targets: readonly string[];
  /** Whether a guard decides. */
  readonly isGuarded: boolean;
}

/** How far an agent is. Times are milliseconds since the epoch. */
export interface TaskState {
  /** Paths of the states that it is in, one for each parallel region. */
  readonly currentSteps: readonly string[];
  /** States that it has left, as far back as history goes (seven days), and effects that are done; oldest first. */
  readonly completedSteps: ReadonlyArray<{ readonly step: string; readonly atMs: number }>;
  /** Not there where the statechart of its version is not known. */
  readonly nextCandidates?: readonly NextCandidate[];
  /** By error code: what it fails on now, effects that failed, dead letters. */
  readonly failures: ReadonlyArray<{ readonly code: string; readonly count: number }>;
}

/** Pages of history looked at. */
const MOST_PAGES = 10;
const PAGE = 1_000;

/** Reads it. @throws {WakebusError} as `inspect`. */
export async function readTaskState(
  ports: ClientPorts,
  letters: DeadLetters,
  address: string,
): Promise<TaskState | undefined> {
  const key = parseAddress(address);
  const agent = await inspectAgent(ports, key);
  if (agent === undefined) return undefined;
  const currentSteps = leavesOf(agent.state);
  const [left, nextCandidates, dead] = await Promise.all([
    leftStates(ports, address),
    candidatesOf(ports, splitKey(key).type, agent),
    letters.list({ agent: address, pageSize: PAGE }),
  ]);
  const done = agent.journal.flatMap(({ id, state, endedMs: atMs }) =>
    state === 'done' && atMs !== undefined ? [{ step: `effect ${id}`, atMs }] : [],
  );
  return {
    currentSteps,
    completedSteps: [...left, ...done].toSorted((a, b) => a.atMs - b.atMs),
    ...(nextCandidates !== undefined && { nextCandidates }),
    failures: failuresOf(
      agent,
      dead.messages.map(({ code }) => code),
    ),
  };
}

/** The innermost states of a state value, by their paths. */
function leavesOf(value: unknown, above: string = ''): string[] {
  if (typeof value === 'string') return [above + value];
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([state, below]) => leavesOf(below, `${above}${state}.`));
  return inner.length > 0 || above === '' ? inner : [above.slice(0, -1)];
}

async function leftStates(ports: ClientPorts, address: string): Promise<Array<{ step: string; atMs: number }>> {
  const left: Array<{ step: string; atMs: number }> = [];
  let before: readonly string[] = [];
  for (let page = 0, after = 0; page < MOST_PAGES; page += 1) {
    const { commits, next } = await readHistory(ports, address, { after, limit: PAGE });
    for (const { state, atMs } of commits) {
      const now = leavesOf(state);
      left.push(...before.filter((step) => !now.includes(step)).map((step) => ({ step, atMs })));
      before = now;
    }
    if (commits.length === 0) break;
    after = next;
  }
  return left;
}

/** Deepest states first, as the machine asks them. */
async function candidatesOf(
  { registry }: ClientPorts,
  type: string,
  { state, status, machineVersion }: AgentInspection,
): Promise<NextCandidate[] | undefined> {
  const { bytes } = await registry.get(`charts.${type}`);
  if (bytes === undefined) return undefined;
  const chart = decode(bytes) as { version: number; states: Readonly<Record<string, readonly NextCandidate[]>> };
  if (chart.version !== machineVersion) return undefined;
  if (status === 'done') return [];
  const paths = new Set(leavesOf(state).flatMap(withParents));
  const deepestFirst = [...paths].toSorted((a, b) => depthOf(b) - depthOf(a));
  return deepestFirst.flatMap((path) => chart.states[path] ?? []);
}

function withParents(path: string): string[] {
  const keys = path.split('.');
  return ['', ...keys.map((_, i) => keys.slice(0, i + 1).join('.'))];
}

function depthOf(path: string): number {
  return path === '' ? 0 : path.split('.').length;
}

function failuresOf(agent: AgentInspection, dead: readonly string[]): TaskState['failures'] {
  const { attempt, journal, lifecycle } = agent;
  const codes = [
    ...Array.from({ length: attempt?.count ?? 0 }, () => lifecycle.code ?? 'TURN_FAILED'),
    ...journal.flatMap(({ state, error }) => ((state === 'failed' || state === 'maybe') && error ? [error.code] : [])),
    ...dead,
  ];
  return [...Map.groupBy(codes, (code) => code)].map(([code, all]) => ({ code, count: all.length }));
}
