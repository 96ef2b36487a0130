/** Built-in rules of a gate that look at the flow of events: how many, how close, at what time of day. */
import type { AgentRule, GateEvent, Verdict } from './gate.ts';
import { type TimeOfDay, quietUntilMs, readTimeOfDay } from './time-of-day.ts';

/** Keys that one rule tells apart in one agent's record. More than this, and the one longest unheard of is forgotten. */
const MOST_KEYS = 64;

/** What flow rules have in common. */
interface FlowOptions {
  /** Name of the rule, where a gate has two of a kind. */
  readonly name?: string;
  /** What is counted apart within an agent, such as each sender. @default all events together */
  readonly by?: (event: GateEvent) => string;
}

/** What {@link rateLimit} is told. */
export interface RateLimitOptions extends FlowOptions {
  /** Events in `periodMs`; so many may also come at once. */
  readonly limit: number;
  readonly periodMs: number;
  /** What becomes of those that are too many. @default "drop" */
  readonly over?: 'drop' | 'defer';
}

/**
 * Lets in so many events of an agent in a time: a token bucket in its record.
 *
 * @see Turner, "New directions in communications", IEEE Communications Magazine 24(10), 1986 (the leaky bucket as a meter).
 */
export function rateLimit({ name = 'rateLimit', limit, periodMs, over = 'drop', by }: RateLimitOptions): AgentRule {
  const refillMs = periodMs / limit;
  return {
    name,
    sees: 'agent',
    judge: (event, { nowMs, memory }) => {
      const key = by?.(event) ?? '';
      const buckets = readCounters(memory);
      const { count = limit, atMs = nowMs } = buckets[key] ?? {};
      const tokens = Math.min(limit, count + Math.max(0, nowMs - atMs) / refillMs);
      if (tokens >= 1) return { kind: 'pass', remember: counted(buckets, key, { count: tokens - 1, atMs: nowMs }) };
      const reason = `more than ${limit} in ${periodMs} ms`;
      if (over === 'drop') return { kind: 'drop', reason };
      const untilMs = Math.ceil(nowMs + (1 - tokens) * refillMs);
      // Each takes the next token that will come, so that they are let in one after another.
      return { kind: 'defer', reason, untilMs, remember: counted(buckets, key, { count: tokens - 1, atMs: nowMs }) };
    },
  };
}

/** What {@link quota} is told. */
export interface QuotaOptions extends FlowOptions {
  /** Events in one period. */
  readonly limit: number;
  /** Length of a period, in milliseconds; periods begin at multiples of it since the epoch, so a day's begin at midnight UTC. */
  readonly periodMs: number;
  /** What becomes of those that are too many: dropped, or kept until the next period. @default "drop" */
  readonly over?: 'drop' | 'defer';
}

/** Lets in so many events of an agent in each period. */
export function quota({ name = 'quota', limit, periodMs, over = 'drop', by }: QuotaOptions): AgentRule {
  return {
    name,
    sees: 'agent',
    judge: (event, { nowMs, memory }) => {
      const key = by?.(event) ?? '';
      const counters = readCounters(memory);
      const startMs = Math.floor(nowMs / periodMs) * periodMs;
      const before = counters[key];
      const count = before?.atMs === startMs ? before.count : 0;
      if (count < limit) return { kind: 'pass', remember: counted(counters, key, { count: count + 1, atMs: startMs }) };
      const reason = `its quota of ${limit} in ${periodMs} ms is used up`;
      return over === 'drop' ? { kind: 'drop', reason } : { kind: 'defer', reason, untilMs: startMs + periodMs };
    },
  };
}

/** What {@link coalesce} is told. */
export interface CoalesceOptions extends FlowOptions {
  /** How long the first of some events waits for others, in milliseconds. */
  readonly windowMs: number;
}

/** Gathers events: the first waits, those that come meanwhile wait with it, and all are taken in one turn. */
export function coalesce({ name = 'coalesce', windowMs, by }: CoalesceOptions): AgentRule {
  return {
    name,
    sees: 'agent',
    judge: (event, { nowMs, waiting }) => {
      const group = by?.(event) ?? '';
      const sinceMs = waiting(group)[0]?.sinceMs ?? nowMs;
      return { kind: 'merge', reason: 'it waits for others', group, untilMs: sinceMs + windowMs };
    },
  };
}

/** What {@link debounce} is told. */
export interface DebounceOptions extends FlowOptions {
  /** How long it must be quiet before the agent is woken, in milliseconds. */
  readonly quietMs: number;
  /** After so long it is woken in any case, in milliseconds. @default ten times `quietMs` */
  readonly maxWaitMs?: number;
  /** Which of the events it gets. @default "last" */
  readonly keep?: 'all' | 'last';
}

/** Wakes the agent once it has been quiet. */
export function debounce({ name = 'debounce', quietMs, maxWaitMs, keep = 'last', by }: DebounceOptions): AgentRule {
  const mostMs = maxWaitMs ?? quietMs * 10;
  return {
    name,
    sees: 'agent',
    judge: (event, { nowMs, memory, waiting }) => {
      const group = by?.(event) ?? '';
      const counters = readCounters(memory);
      // By the rule's own memory: of "last", the first of a burst does not wait any more.
      const firstMs = waiting(group).length > 0 ? (counters[group]?.atMs ?? nowMs) : nowMs;
      const untilMs = Math.min(nowMs + quietMs, firstMs + mostMs);
      const remember = counted(counters, group, { count: 1, atMs: firstMs });
      return { kind: 'merge', reason: 'it waits until it is quiet', group, untilMs, keep, remember };
    },
  };
}

/** What {@link quietHours} is told. */
export interface QuietHoursOptions {
  /** `22:00` */
  readonly from: TimeOfDay;
  /** `07:00` – after midnight where it is earlier than `from`. */
  readonly to: TimeOfDay;
  /** An IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** Events that may wake the agent at any time. @default none */
  readonly except?: readonly string[];
}

/** Keeps events back while it is night where the agent's people are; they are taken together in the morning. */
export function quietHours({ from, to, timeZone, except = [] }: QuietHoursOptions): AgentRule {
  const hours = { from: readTimeOfDay(from), to: readTimeOfDay(to), timeZone };
  return {
    name: 'quietHours',
    sees: 'agent',
    judge: ({ event }, { nowMs }): Verdict | undefined => {
      const untilMs = except.includes(event.type) ? undefined : quietUntilMs(hours, nowMs);
      if (untilMs === undefined) return undefined;
      return { kind: 'merge', reason: `it is quiet until ${to} in ${timeZone}`, group: 'night', untilMs };
    },
  };
}

interface Counter {
  readonly count: number;
  readonly atMs: number;
}

type Counters = Readonly<Record<string, Counter>>;

/** A rule's memory is from its own hand; a rule of another kind may have had the name before. */
function readCounters(memory: unknown): Counters {
  return typeof memory === 'object' && memory !== null ? (memory as Counters) : {};
}

function counted(counters: Counters, key: string, counter: Counter): Counters {
  const others = Object.entries(counters).filter(([name]) => name !== key);
  const kept = others.toSorted(([, a], [, b]) => b.atMs - a.atMs).slice(0, MOST_KEYS - 1);
  return Object.fromEntries([...kept, [key, counter]]);
}
