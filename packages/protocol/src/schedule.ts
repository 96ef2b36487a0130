/**
 * Schedules as they are written: when an event comes, and what becomes of occurrences that were missed or that overlap.
 *
 * Only the shape is checked here, by everyone who takes one. Cron expressions, and when a schedule comes
 * next, are `@wakebus/core`'s.
 */
import { isReservedEvent } from './event-limits.ts';
import type { AgentEvent } from './messages.ts';
import { optionChecks } from './option-checks.ts';

/** What becomes of occurrences that nobody could take in time: left out, one for all of them, or one after the other. */
export type Missed = 'skip' | 'once' | 'all';
/** What becomes of an occurrence while the one before still runs. */
export type Overlap = 'skip' | 'queue' | 'cancel-running';

interface ScheduleBase {
  /** What the agent gets each time, with `occurrence` added to its fields. */
  readonly event: AgentEvent;
  /**
   * An occurrence comes while an effect runs that the agent began with the one before: it is left out
   * (`skip`), waits for the end (`queue`, 100 at most), or ends it first (`cancel-running`): the effect is
   * aborted, and the machine gets its error.
   *
   * @default "skip" – work that takes longer than its period must not pile up.
   */
  readonly overlap?: Overlap;
  /** Each comes up to so much later, in milliseconds: by how much is drawn from address and ID, so that agents spread and intervals stay even. @default 0 */
  readonly jitterMs?: number;
  /** Taken later than this, in milliseconds, an occurrence counts as missed. It must be more than the clocks of placement nodes and servers may differ. @default 60,000 – a restart or a takeover is no outage. */
  readonly graceMs?: number;
}

/** Repeated: what was missed must be said. */
interface Repeated {
  readonly missed: Missed;
  /** With `missed: 'all'`: only the latest so many, 1 to 1,000. @default 100 – a bounded burst after any outage. */
  readonly missedMost?: number;
}

/** When an event comes to an agent. */
export type Schedule = ScheduleBase &
  (
    | (Repeated & {
        /** Five fields, or six with seconds before them: `0 30 3 * * MON-FRI`. `L`, `#` and names as in croner. */
        readonly cron: string;
        /** An IANA name. @default "UTC" – the same everywhere, and without lost or doubled hours. */
        readonly timeZone?: string;
      })
    | (Repeated & {
        /** Interval in milliseconds, from 1,000 on: schedules fire up to a quarter of a second late. */
        readonly everyMs: number;
        /** The first occurrence, in milliseconds since the epoch. @default one interval after it was made */
        readonly fromMs?: number;
      })
    | {
        /** Once, in milliseconds since the epoch. */
        readonly atMs: number;
        /** @default "once" – late rather than never. */
        readonly missed?: 'skip' | 'once';
      }
  );

/** What an event of a schedule carries in its field `occurrence`. */
export interface Occurrence {
  /** ID of the schedule. */
  readonly schedule: string;
  /** Its time by the schedule, jitter apart, in milliseconds since the epoch: names the period. */
  readonly atMs: number;
  /** How many before it were left out since the last one that came; 1,000 are counted at most. */
  readonly missed: number;
}

/** A {@link Schedule} with its defaults, as a record keeps it. */
export interface ScheduleSpec {
  readonly cron?: string;
  readonly timeZone?: string;
  readonly everyMs?: number;
  readonly fromMs?: number;
  readonly atMs?: number;
  readonly missed: Missed;
  readonly missedMost?: number;
  readonly overlap: Overlap;
  readonly jitterMs: number;
  readonly graceMs: number;
}

/** How far a schedule has come: part of its timer in the record. */
export interface ScheduleState {
  readonly spec: ScheduleSpec;
  /** With `everyMs`: from where intervals are counted. */
  readonly fromMs?: number;
  /** Time of the occurrence that is armed, jitter apart. */
  readonly occurrenceMs: number;
  /** Occurrences up to here were missed, and come one after the other. */
  readonly catchUpMs?: number;
  /** Occurrences left out since the last one that came. */
  readonly left?: number;
  /** What the agent began above this generation runs since the last occurrence. */
  readonly began?: number;
  /** Occurrences that wait for the end of the one before. */
  readonly queued?: readonly Occurrence[];
}

const { wrong, known, oneOf, whole } = optionChecks('schedule');

const OPTIONS: readonly string[] = [
  'event',
  'cron',
  'timeZone',
  'everyMs',
  'fromMs',
  'atMs',
  'missed',
  'missedMost',
  'overlap',
  'jitterMs',
  'graceMs',
];

/** Fires come up to a quarter of a second late; below this an interval is work for a process that stays awake. */
const SHORTEST_EVERY_MS = 1_000;
const DEFAULT_GRACE_MS = 60_000;
const DEFAULT_MISSED_MOST = 100;
const MOST_MISSED = 1_000;
const LONGEST_CRON = 100;
/** Beyond the year 5138 a server's time stamps are of no use. */
const LATEST_MS = 1e14;

/** Whose occurrences the agent of a type hands on to all agents of it; reserved from outside. */
export const FAN_OUT_EVENT = 'wakebus.fan-out';

/**
 * Checks an ID of a schedule.
 *
 * @throws {WakebusError} `INVALID_OPTION`.
 */
export function checkScheduleId(id: unknown): string {
  const isName = typeof id === 'string' && id !== '' && id.length <= 200 && !id.includes('#') && !isReservedEvent(id);
  if (isName) return id;
  throw wrong(
    'id',
    'write a name of 1 to 200 characters, without "#", that does not start with "xstate." or "wakebus."',
  );
}

/**
 * Checks the shape of a schedule and fills in the defaults. Its event is checked by whoever takes it.
 *
 * @throws {WakebusError} `INVALID_OPTION`, naming the option.
 */
export function specOfSchedule(schedule: Schedule): ScheduleSpec {
  if (typeof schedule !== 'object' || schedule === null) throw wrong('options', 'write an object');
  known(schedule, OPTIONS);
  const given = schedule as Partial<ScheduleSpec> & { readonly event?: unknown };
  if (typeof (given.event as { type?: unknown } | null | undefined)?.type !== 'string')
    throw wrong('event', 'write an event: an object with a type');
  return {
    ...timesOf(given),
    overlap: oneOf('overlap', given.overlap ?? 'skip', ['skip', 'queue', 'cancel-running']),
    jitterMs: whole('jitterMs', given.jitterMs ?? 0, 0, 86_400_000),
    graceMs: whole('graceMs', given.graceMs ?? DEFAULT_GRACE_MS, 1_000, LATEST_MS),
  };
}

function timesOf(given: Partial<ScheduleSpec>): Pick<ScheduleSpec, 'missed' | 'cron' | 'everyMs' | 'atMs'> {
  const ways = (['cron', 'everyMs', 'atMs'] as const).filter((way) => given[way] !== undefined);
  if (ways.length !== 1) throw wrong('cron', 'write one of cron, everyMs and atMs');
  if (given.cron === undefined && given.timeZone !== undefined) throw wrong('timeZone', 'it goes with cron');
  if (given.everyMs === undefined && given.fromMs !== undefined) throw wrong('fromMs', 'it goes with everyMs');
  if (given.missed !== 'all' && given.missedMost !== undefined) throw wrong('missedMost', 'it goes with missed: "all"');
  if (given.atMs !== undefined)
    return {
      atMs: whole('atMs', given.atMs, 0, LATEST_MS),
      missed: oneOf('missed', given.missed ?? 'once', ['skip', 'once']),
    };
  return { ...repeatedTimes(given), ...missedBy(given) };
}

function repeatedTimes({ cron, timeZone, everyMs, fromMs }: Partial<ScheduleSpec>): Partial<ScheduleSpec> {
  if (everyMs !== undefined)
    return {
      everyMs: whole('everyMs', everyMs, SHORTEST_EVERY_MS, LATEST_MS),
      ...(fromMs !== undefined && { fromMs: whole('fromMs', fromMs, 0, LATEST_MS) }),
    };
  if (typeof cron !== 'string' || cron.length > LONGEST_CRON)
    throw wrong('cron', `write a cron expression of at most ${LONGEST_CRON} characters`);
  if (timeZone !== undefined && typeof timeZone !== 'string') throw wrong('timeZone', 'write an IANA name');
  return { cron, timeZone: timeZone ?? 'UTC' };
}

function missedBy({ missed, missedMost }: Partial<ScheduleSpec>): Pick<ScheduleSpec, 'missed' | 'missedMost'> {
  if (missed === undefined)
    throw wrong('missed', 'say what becomes of occurrences missed while everything was down: "skip", "once" or "all"');
  const checked = oneOf('missed', missed, ['skip', 'once', 'all']);
  if (checked !== 'all') return { missed: checked };
  return { missed: checked, missedMost: whole('missedMost', missedMost ?? DEFAULT_MISSED_MOST, 1, MOST_MISSED) };
}
