/** Hours of a day in a time zone, for rules. Pure: the time comes in. */
import { WakebusError } from '@wakebus/protocol';

/** Hours and minutes, `22:00`. */
export type TimeOfDay = `${number}:${number}`;

const DAY_MINUTES = 1_440;
const MINUTE_MS = 60_000;

/** Quiet hours, in minutes of the day. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
  readonly timeZone: string;
}

/** Minutes since midnight. @throws {WakebusError} `INVALID_OPTION`. */
export function readTimeOfDay(text: string): number {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  const read = Number(hours) * 60 + Number(minutes);
  if (!(Number(hours) <= 23 && Number(minutes) <= 59))
    throw new WakebusError('INVALID_OPTION', {
      option: 'quietHours',
      why: `"${text}" is no time of day such as 22:00`,
    });
  return read;
}

/**
 * When quiet hours that hold now are over, in milliseconds since the epoch.
 *
 * Over a change of the clocks it is the first moment at which a wall clock shows the time, or has passed it.
 */
export function quietUntilMs({ from, to, timeZone }: QuietHours, nowMs: number): number | undefined {
  const now = minuteOfDay(nowMs, timeZone);
  const isQuiet = from <= to ? now >= from && now < to : now >= from || now < to;
  if (!isQuiet) return undefined;
  const leftMinutes = (to - now + DAY_MINUTES) % DAY_MINUTES;
  const guessMs = (Math.floor(nowMs / MINUTE_MS) + leftMinutes) * MINUTE_MS;
  // Where the clocks change in between, the guess is off by that.
  const off = minuteOfDay(guessMs, timeZone) - to;
  const wrapped = off > DAY_MINUTES / 2 ? off - DAY_MINUTES : off < -DAY_MINUTES / 2 ? off + DAY_MINUTES : off;
  return guessMs - wrapped * MINUTE_MS;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function minuteOfDay(atMs: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    formats.set(timeZone, format);
  }
  const parts = format.formatToParts(atMs);
  const part = (type: string): number => Number(parts.find((candidate) => candidate.type === type)?.value);
  return part('hour') * 60 + part('minute');
}
