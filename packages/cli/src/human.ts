/** Numbers, times and tables as people read and write them. */
import { WakebusError } from '@wakebus/protocol';

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A length of time, with its largest unit: `41 ms`, `3.2 s`, `880 d`. */
export function duration(ms: number): string {
  const unit = units.find(([, size]) => Math.abs(ms) >= size);
  if (unit === undefined) return `${Math.round(ms)} ms`;
  const [name, size] = unit;
  const amount = ms / size;
  return `${amount < 10 ? Number(amount.toFixed(1)) : Math.round(amount)} ${name}`;
}

/**
 * Text from outside on one line: whoever sends first to an agent chooses its ID, which may hold line
 * breaks and what a terminal takes for commands.
 */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Texts from outside in one line, each once and with how often it came: a turn of many events makes the same many times. */
export function listed(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, times]) => `${oneLine(text)}${times > 1 ? ` ×${times}` : ''}`).join(', ');
}

/** How long ago a time was. */
export function since(ms: number, nowMs: number): string {
  return ms === 0 ? '–' : `${duration(Math.max(0, nowMs - ms))} ago`;
}

/** When a time is, seen from now. */
export function at(ms: number, nowMs: number): string {
  return ms >= nowMs ? `in ${duration(ms - nowMs)}` : `${duration(nowMs - ms)} ago`;
}

/** Reads a time: ISO 8601, or milliseconds since the epoch. @throws {WakebusError} `INVALID_OPTION`. */
export function readTime(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isSafeInteger(ms)) return ms;
  throw new WakebusError('INVALID_OPTION', { option, why: 'write a time such as 2027-01-31T09:00:00Z' });
}

/** Reads a length of time that a flag gives, in milliseconds. @throws {WakebusError} `INVALID_OPTION`. */
export function readDurationFlag(option: string, text: string): number;
export function readDurationFlag(option: string, text: string | undefined): number | undefined;
export function readDurationFlag(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = readDuration(text);
  if (ms !== undefined) return ms;
  throw new WakebusError('INVALID_OPTION', { option, why: 'write a time such as 250ms, 30s, 5min, 2h or 30d' });
}

/** Reads how many are wanted. @throws {WakebusError} `INVALID_OPTION`. */
export function readCount(option: string, text: string): number;
export function readCount(option: string, text: string | undefined): number | undefined;
export function readCount(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const wanted = Number(text);
  if (Number.isInteger(wanted) && wanted > 0) return wanted;
  throw new WakebusError('INVALID_OPTION', { option, why: 'write a whole number above 0' });
}

/** A size in bytes. */
export function bytes(size: number): string {
  if (size < 1_024) return `${size} B`;
  if (size < 1_024 ** 2) return `${Number((size / 1_024).toFixed(1))} KB`;
  return `${Number((size / 1_024 ** 2).toFixed(1))} MB`;
}

/** A whole number with its thousands apart. */
export function count(n: number): string {
  return n.toLocaleString('en-US');
}

/** A number of things: `1 agent`, `2,000 agents`. */
export function counted(n: number, thing: string, things: string = `${thing}s`): string {
  return `${count(n)} ${n === 1 ? thing : things}`;
}

/** Rows under a head, their columns as wide as their widest cell. */
export function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const text = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [head, ...rows].map(text).join('\n');
}

/** Reads a length of time: `250ms`, `30s`, `5min`, `2h`, `1d`; a bare number is seconds. */
export function readDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/.exec(text.trim());
  if (match === null) return undefined;
  const factors: Readonly<Record<string, number>> = {
    ms: 1,
    s: 1_000,
    m: 60_000,
    min: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  };
  return Number(match[1]) * (factors[match[2] ?? 's'] as number);
}
