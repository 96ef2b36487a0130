/** Numbers and times as people read them. */

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A length of time, with its largest unit: `41 ms`, `3.2 s`, `880 d`. */
export function duration(ms: number): string {
  const unit = units.find(([, size]) => Math.abs(ms) >= size);
  if (unit === undefined) return `${Math.abs(ms) < 10 && ms % 1 !== 0 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const [name, size] = unit;
  const amount = ms / size;
  return `${Math.abs(amount) < 10 ? Number(amount.toFixed(1)) : Math.round(amount)} ${name}`;
}

export function ago(ms: number, nowMs: number): string {
  return ms === 0 ? '–' : nowMs - ms < 1_000 ? 'just now' : `${duration(nowMs - ms)} ago`;
}

/** When something is due: `in 2 h`, `4 min late`. */
export function due(ms: number, nowMs: number): string {
  return ms >= nowMs ? `in ${duration(ms - nowMs)}` : `${duration(nowMs - ms)} late`;
}

export function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  const [unit, name] = size < 1_000_000 ? [1_000, 'kB'] : size < 1e9 ? [1_000_000, 'MB'] : [1e9, 'GB'];
  const amount = size / unit;
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${name}`;
}

const numbers = new Intl.NumberFormat('en');

export function count(n: number): string {
  return numbers.format(n);
}

/** `1 agent`, `3 agents`. */
export function counted(n: number, one: string, many: string = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A state value on one line: `open`, `open.waiting`, `{a: x, b: y}`. */
export function stateText(value: unknown): string {
  if (value === undefined || value === null) return '–';
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return '–';
  const texts = entries.map(([name, below]) => (isEmpty(below) ? name : `${name}.${stateText(below)}`));
  return texts.join(' · ');
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** A word of a command line as a shell takes it. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command line of words and flags. */
export function commandLine(...words: readonly string[]): string {
  return ['wakebus', ...words.map(shellWord)].join(' ');
}
