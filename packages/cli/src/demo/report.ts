/**
 * What the demo shows at its end: a table that a person can check, the two digests, a wake chain as a
 * tree, and where to go on. Text only; what is true is decided in `verdict.ts`.
 */
import { type Delivery, type Sleep, longestSleep, readDeliveries } from './deliveries.ts';
import type { ChainLink } from './evidence.ts';
import type { Break } from './options.ts';
import { type Result, doubledSummaries } from './verdict.ts';

const DAY_MS = 86_400_000;

/** The whole report. */
export function renderReport(result: Result): string {
  const parts = [table(result), digests(result), chains(result), faultsOf(result)];
  return parts.filter(Boolean).join('\n\n');
}

function table(result: Result): string {
  const { deliveries, agents, outcome, evidence, wakes, takeovers, difference, posted } = result;
  const { repeats, paused } = outcome;
  const late = repeats.filter(({ isLate }) => isLate).length;
  const byGateway = repeats.filter(({ isPast, isDropped }) => !isPast && isDropped).length;
  const byServer = repeats.filter(({ isPast, isDropped }) => isPast && isDropped).length;
  const byRecords = repeats.length - byGateway - byServer - difference.repeated;
  const told = evidence.states.size - agents.size;
  const rows: ReadonlyArray<readonly [string, string | number, string]> = [
    ['deliveries', deliveries.length, `recorded from GitHub, ${years(deliveries)}, signed and sent over HTTP`],
    [
      'sent twice',
      repeats.length,
      `${repeats.length - late} at once, ${late} after the server's window; every other one over plain NATS`,
    ],
    [
      'duplicates dropped',
      byGateway + byServer + byRecords,
      `${byGateway} by the gateway, ${byServer} by the server, ${byRecords} by the agents' records`,
    ],
    [
      'agents',
      evidence.states.size,
      `${agents.size} that deliveries are about, ${told} repositories that only hear of them`,
    ],
    ['wakes', wakes, 'each from a record in JetStream'],
    ['turns', evidence.turns, 'each one commit'],
    [
      'takeovers',
      takeovers,
      `a node killed, one paused for ${seconds(paused?.forMs ?? 0)}, gateway and server restarted`,
    ],
    [
      'summaries',
      posted.posts.length,
      `posted to a fake GitHub under ${posted.keys} keys, ${posted.repeats} asked for twice, ${doubledSummaries(posted)} doubled`,
    ],
    ['longest sleep', `${days(longestSleep(deliveries))} days`, sleepText(longestSleep(deliveries))],
    ['lost', difference.lost, ''],
    ['doubled', difference.doubled, ''],
  ];
  return rows
    .map(([name, value, note]) => `  ${name.padEnd(20)}${String(value).padStart(8)}   ${note}`.trimEnd())
    .join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
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
  const rows = treeRows(chain, chain.commit.atMs, '', '');
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return [`  One wake chain: ${chain.event.type} (${chain.event.id})`, ...lines].join('\n');
}

/** A line for each link: what stands left, and what stands right in a column of its own. */
function treeRows(link: ChainLink, startMs: number, first: string, rest: string): Array<readonly [string, string]> {
  const { address, event, commit, caused } = link;
  const time = `+${commit.atMs - startMs}`.padStart(5);
  const rows = caused.flatMap((next, i) => {
    const [branch, below] = i === caused.length - 1 ? ['└─ ', '   '] : ['├─ ', '│  '];
    return treeRows(next, startMs, rest + branch, rest + below);
  });
  return [[`${first}${address}`, `${time} ms  ${event.type}, turn ${commit.turn} on ${commit.node}`], ...rows];
}

function faultsOf({ faults }: Result): string {
  return faults.map((fault) => `  WRONG: ${fault}`).join('\n');
}

/** The line of a seed whose run did not come to its end. */
export function renderUnfinished(seed: number, { message }: Error): string {
  return `${lineStart(seed, 'WRONG')}  ${message.replaceAll('\n', ' ')}`;
}

function lineStart(seed: number, verdict: string): string {
  return `seed ${String(seed).padStart(3)}  ${verdict}`;
}

/** One line for one of many seeds. */
export function renderLine(seed: number, { faults, difference, digest, takeovers }: Result, tookMs: number): string {
  const { lost, doubled } = difference;
  const facts = `lost ${lost}, doubled ${doubled}, takeovers ${takeovers}, ${digest.slice(0, 12)}, ${seconds(tookMs)}`;
  return `${lineStart(seed, faults.length === 0 ? 'right' : 'WRONG')}  ${facts}  ${faults.join(' ')}`.trimEnd();
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
