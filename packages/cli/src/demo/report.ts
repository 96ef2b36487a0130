/**
 * What the demo shows at its end: a table that a person can check, the two digests, a wake chain as a
 * tree, and where to go on. Text only; what is true is decided in `verdict.ts`.
 */
import { type Delivery, type Sleep, longestSleep, readDeliveries } from './deliveries.ts';
import type { ChainLink } from './evidence.ts';
import type { Break } from './options.ts';
import type { Result } from './verdict.ts';

const DAY_MS = 86_400_000;

/** The whole report. */
export function renderReport(result: Result): string {
  const parts = [table(result), digests(result), chains(result), faultsOf(result)];
  return parts.filter(Boolean).join('\n\n');
}

function table({ deliveries, agents, outcome, evidence, wakes, takeovers, difference }: Result): string {
  const { atOnce, later, paused } = outcome;
  const rows: ReadonlyArray<readonly [string, string | number, string]> = [
    ['deliveries', deliveries.length, `recorded from GitHub, ${years(deliveries)}`],
    ['sent twice', atOnce.sent + later.sent, `${atOnce.sent} at once, ${later.sent} after the server's window`],
    [
      'duplicates dropped',
      atOnce.dropped + later.sent,
      `${atOnce.dropped} by the server, ${later.sent - later.dropped} left to the records`,
    ],
    ['agents', evidence.states.size, `${agents} that deliveries went to, the rest repositories that were only told`],
    ['wakes', wakes, 'every one from a record in JetStream'],
    ['turns', evidence.turns, 'each one commit'],
    [
      'takeovers',
      takeovers,
      `one node killed, one paused for ${((paused?.forMs ?? 0) / 1000).toFixed(1)} s, one server restart`,
    ],
    ['longest sleep', `${days(longestSleep(deliveries))} days`, sleepText(longestSleep(deliveries))],
    ['lost', difference.lost, ''],
    ['doubled', difference.doubled, ''],
  ];
  return rows
    .map(([name, value, note]) => `  ${name.padEnd(20)}${String(value).padStart(8)}   ${note}`.trimEnd())
    .join('\n');
}

function years(deliveries: readonly Delivery[]): string {
  const timed = deliveries.flatMap(({ timeMs }) => (timeMs === undefined ? [] : [new Date(timeMs).getUTCFullYear()]));
  return `${Math.min(...timed)} to ${Math.max(...timed)}`;
}

function days({ fromMs, untilMs }: Sleep): number {
  return Math.floor((untilMs - fromMs) / DAY_MS);
}

function sleepText({ address, fromMs, untilMs }: Sleep): string {
  const [from, until] = [fromMs, untilMs].map((ms) => new Date(ms).toISOString().slice(0, 10));
  return `${address}, ${from} to ${until}`;
}

function digests({ digest, expectedDigest }: Result): string {
  const verdict = digest === expectedDigest ? 'the same: nothing lost, doubled or out of order' : 'NOT THE SAME';
  return `  digest of all states ${digest}\n  the plain fold's     ${expectedDigest}\n  ${verdict}`;
}

function chains({ chain }: Result): string {
  if (chain === undefined) return '';
  const { event, commit } = chain;
  const head = `  One wake chain, in milliseconds: ${event.type} (${event.id})`;
  return [head, ...treeLines(chain, commit.atMs, '  ')].join('\n');
}

function treeLines(link: ChainLink, startMs: number, indent: string, isLast = true, isRoot = true): readonly string[] {
  const { address, event, commit, caused } = link;
  const branch = isRoot ? '' : isLast ? '└─ ' : '├─ ';
  const below = isRoot ? indent : `${indent}${isLast ? '   ' : '│  '}`;
  const time = `+${commit.atMs - startMs}`.padStart(5);
  const line = `${indent}${branch}${address}  ${time} ms  ${event.type}, turn ${commit.turn} on ${commit.node}`;
  const rest = caused.flatMap((next, i) => treeLines(next, startMs, below, i === caused.length - 1, false));
  return [line, ...rest];
}

function faultsOf({ faults }: Result): string {
  return faults.map((fault) => `  WRONG: ${fault}`).join('\n');
}

/** One line for one of many seeds. */
export function renderLine(seed: number, { faults, difference, digest, takeovers }: Result, tookMs: number): string {
  const { lost, doubled } = difference;
  const facts = `lost ${lost}, doubled ${doubled}, takeovers ${takeovers}, ${digest.slice(0, 12)}, ${(tookMs / 1000).toFixed(1)} s`;
  return `seed ${String(seed).padStart(3)}  ${faults.length === 0 ? 'right' : 'WRONG'}  ${facts}  ${faults.join(' ')}`.trimEnd();
}

/** Three commands to look further. */
export function renderNext(seed: number, broken: Break | undefined): string {
  const [other, what] = broken === 'cas' ? ['dedupe', 'deduplication'] : ['cas', 'the fence of commits'];
  const commands: ReadonlyArray<readonly [string, string]> = [
    [`npm run demo -- --seed ${seed + 1}`, 'the faults at other moments'],
    [`npm run demo -- --break ${other}`, `without ${what}: it must fail`],
    ['npm run demo -- --hold', 'keeps it running at the end, to inspect agents'],
  ];
  return ['Look further:', ...commands.map(([command, why]) => `  ${command.padEnd(34)}${why}`)].join('\n');
}

/** How to look around while it is kept running. */
export function renderHold(url: string): string {
  const commands = [`inspect '${longestSleep(readDeliveries()).address}'`, 'agents list', 'status'];
  const lines = commands.map((command) => `  NATS_URL=${url} node setup.mjs exec wakebus ${command}`);
  return ['It keeps running until Ctrl-C. From another terminal:', ...lines].join('\n');
}
