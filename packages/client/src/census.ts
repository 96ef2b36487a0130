/**
 * What a deployment holds right now: agents by type and lifecycle, those that need someone, and what is pending by
 * the clock, in one walk over all records. Looking wakes nobody.
 */
import { splitKey } from '@wakebus/protocol';
import { type AgentPage, type AgentSummary, type ListOptions, listAgents } from './list.ts';
import type { ClientPorts } from './ports.ts';
import { type AgentTimer, timersOf } from './timers.ts';

/** How much is counted. */
export interface CensusOptions {
  /** Agents at most. @default 100,000 – some seconds of reading */
  readonly limit?: number;
}

/** How many agents are so now, and those that need someone. */
export interface AgentCensus {
  readonly total: number;
  readonly byLifecycle: Readonly<Record<string, number>>;
  /** The same for each agent type. */
  readonly byType: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Failed, suspended and in quarantine: the first twenty. */
  readonly needing: readonly AgentSummary[];
  /** With a timer that should have fired a minute ago and has not: the first twenty. */
  readonly overdue: readonly AgentSummary[];
  /** With an effect of which nobody knows whether it happened: the first twenty. */
  readonly unsure: readonly AgentSummary[];
  readonly timers: TimerCensus;
  /** Whether the counting ended at its limit. */
  readonly isCut: boolean;
}

/** What is pending by the clock. What stands still while its agent sleeps is not among it. */
export interface TimerCensus {
  readonly total: number;
  readonly overdue: number;
  /** How many are due within so many milliseconds from now, the overdue ones aside; the last one has no end. */
  readonly dueWithin: ReadonlyArray<{ readonly ms: number | undefined; readonly count: number }>;
  /** The 500 that are due first. */
  readonly next: readonly AgentTimer[];
}

/** Agents that need someone are named up to this number. */
const MOST_NAMED = 20;
const MOST_TIMERS = 500;
const DEFAULT_LIMIT = 100_000;
const PAGE_SIZE = 1_000;
/** A timer counts as overdue after so long, in milliseconds: schedules fire late by a quarter of a second, and a node may just be taking over. */
export const OVERDUE_AFTER_MS = 60_000;
/** A minute, an hour, a day, a week. */
const HORIZONS_MS = [60_000, 3_600_000, 86_400_000, 604_800_000] as const;
const needing: ReadonlySet<string> = new Set(['failed', 'suspended', 'quarantined']);

/** Counts. @throws {WakebusError} `UNAVAILABLE`. */
export async function takeCensus(
  ports: ClientPorts,
  { limit = DEFAULT_LIMIT }: CensusOptions = {},
): Promise<AgentCensus> {
  const count = new Count(ports.clock.wallMs());
  let cursor: string | undefined;
  do {
    const options: ListOptions = { pageSize: PAGE_SIZE, ...(cursor !== undefined && { cursor }) };
    const page: AgentPage = await listAgents(ports, options);
    for (const agent of page.agents) count.add(agent);
    ({ cursor } = page);
  } while (cursor !== undefined && count.total < limit);
  return { ...count.result(), isCut: cursor !== undefined };
}

class Count {
  total = 0;
  readonly #nowMs: number;
  readonly #byLifecycle: Record<string, number> = {};
  readonly #byType: Record<string, Record<string, number>> = {};
  readonly #needing: AgentSummary[] = [];
  readonly #overdue: AgentSummary[] = [];
  readonly #unsure: AgentSummary[] = [];
  readonly #timers: TimerCount;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
    this.#timers = new TimerCount(nowMs);
  }

  add(agent: AgentSummary): void {
    const { name } = agent.lifecycle;
    this.total += 1;
    this.#byLifecycle[name] = (this.#byLifecycle[name] ?? 0) + 1;
    const ofType = (this.#byType[splitKey(agent.key).type] ??= {});
    ofType[name] = (ofType[name] ?? 0) + 1;
    if (needing.has(name)) nameOne(this.#needing, agent);
    else if ((agent.nextWakeMs ?? Infinity) < this.#nowMs - OVERDUE_AFTER_MS) nameOne(this.#overdue, agent);
    if (agent.effects?.some(({ state }) => state === 'maybe') === true) nameOne(this.#unsure, agent);
    for (const timer of timersOf(agent)) this.#timers.add(timer);
  }

  result(): Omit<AgentCensus, 'isCut'> {
    return {
      total: this.total,
      byLifecycle: this.#byLifecycle,
      byType: this.#byType,
      needing: this.#needing,
      overdue: this.#overdue,
      unsure: this.#unsure,
      timers: this.#timers.result(),
    };
  }
}

function nameOne(named: AgentSummary[], agent: AgentSummary): void {
  if (named.length < MOST_NAMED) named.push(agent);
}

class TimerCount {
  readonly #nowMs: number;
  readonly #within: number[] = Array.from({ length: HORIZONS_MS.length + 1 }, () => 0);
  #next: AgentTimer[] = [];
  #total = 0;
  #overdue = 0;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  add(timer: AgentTimer): void {
    if (timer.leftMs !== undefined) return;
    const inMs = timer.dueMs - this.#nowMs;
    this.#total += 1;
    if (inMs < -OVERDUE_AFTER_MS) this.#overdue += 1;
    else this.#within[horizonOf(inMs)] = (this.#within[horizonOf(inMs)] ?? 0) + 1;
    this.#next.push(timer);
    // Sorted now and then: a heap would cost more code than it saves time.
    if (this.#next.length >= 2 * MOST_TIMERS) this.#next = soonest(this.#next);
  }

  result(): TimerCensus {
    const dueWithin = this.#within.map((count, at) => ({ ms: HORIZONS_MS[at], count }));
    return { total: this.#total, overdue: this.#overdue, dueWithin, next: soonest(this.#next) };
  }
}

function horizonOf(inMs: number): number {
  const at = HORIZONS_MS.findIndex((ms) => inMs < ms);
  return at < 0 ? HORIZONS_MS.length : at;
}

function soonest(timers: readonly AgentTimer[]): AgentTimer[] {
  return timers.toSorted((a, b) => a.dueMs - b.dueMs).slice(0, MOST_TIMERS);
}
