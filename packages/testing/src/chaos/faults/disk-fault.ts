/**
 * A full disk. JetStream then answers nothing and refuses nothing: the streams stay frozen until their
 * servers are restarted. Nothing may be taken for done in that time, the placement nodes must say that
 * something is wrong, and what was confirmed before must be there afterwards.
 */
import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { agentKey } from '@wakebus/protocol';
import { readHistory, contextOf } from '../../checker/run-history.ts';
import { Cluster } from '../cluster.ts';
import { pause, persist, until } from '../patience.ts';
import { readStoredAgents } from '../stored-run.ts';
import type { Fault, Strike } from './fault.ts';

const run = promisify(execFile);

/** Enough for three servers' streams, and soon full. */
const DISK_MB = 96;
/** A server reserves it, out of the three quarters of the disk that it takes for its own. */
const INBOX_MB = 32;
/** Streams are written for so long while the disk is full, in milliseconds: longer than a lease. */
const FULL_MS = 14_000;
const WRITERS = 4;
/** A write is waited for so long, in milliseconds: a server that writes does so within a few. */
const DEADLINE_MS = 3_000;

export const diskFault: Fault = { kind: 'disk full', whyNot, strike };

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'needs tmpfs, which only Linux has';
  return process.getuid?.() === 0 ? undefined : 'needs root, to mount a small tmpfs';
}

async function mountDisk(folder: string): Promise<string> {
  const disk = join(folder, 'disk');
  await mkdir(disk);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', disk]);
  return disk;
}

async function strike(): Promise<Strike> {
  const cluster = await Cluster.open({
    deployment: { partitions: 4, inboxMaxBytes: INBOX_MB * 1024 ** 2 },
    storeIn: mountDisk,
  });
  try {
    const writers = new Writers(await cluster.connectClient('writer'));
    return await fillAndMend(cluster, writers).finally(() => writers.abandon());
  } finally {
    await cluster.close();
  }
}

async function fillAndMend(cluster: Cluster, writers: Writers): Promise<Strike> {
  const [node] = await Promise.all([cluster.startNode(), cluster.startNode()]);
  await until(() => writers.confirmed >= 40, 20_000);
  const ballast = join(cluster.folder, 'disk', 'ballast');
  await fill(ballast, join(cluster.folder, 'disk'));
  const isFrozen = await until(() => writers.silentMs > 2 * DEADLINE_MS, 30_000);
  const confirmedAtFreeze = writers.confirmed;
  let problems: readonly string[] = [];
  await until(async () => (problems = (await node.process.look()).problems).length > 0, FULL_MS);
  await pause(1_000);
  const confirmedWhileFrozen = writers.confirmed - confirmedAtFreeze;
  await rm(ballast);
  // All at once: one alone would wait for the streams of two that stand.
  await Promise.all(cluster.servers.servers.map((server) => server.kill()));
  await Promise.all(cluster.servers.servers.map((server) => server.restart()));
  const mendedMs = performance.now();
  const before = writers.confirmed;
  await until(() => writers.confirmed > before + 20, 60_000);
  const recoverMs = performance.now() - mendedMs;
  const missing = await writers.end(cluster);
  const violations = [
    ...missing,
    ...(confirmedWhileFrozen > 0
      ? [`disk: ${confirmedWhileFrozen} events were confirmed while the streams stood`]
      : []),
    ...(problems.length > 0 ? [] : ['disk: no placement node says in its health that something is wrong']),
    ...(writers.confirmed > before ? [] : ['disk: nothing is written after the restart']),
  ];
  return isFrozen
    ? { met: `frozen; health: ${problems.join(', ')}`, recoverMs, recovers: 'all', violations }
    : { violations };
}

/** Until not a block is left, also of what the servers free meanwhile. */
async function fill(path: string, disk: string): Promise<void> {
  for (let part = 0; part < 64; part += 1) {
    const { bavail, bsize } = await statfs(disk);
    if (bavail === 0) return;
    await writeFile(path, Buffer.alloc(Math.min(bavail * bsize, 8 * 1024 * 1024)), { flag: 'a' }).catch(() => {});
  }
}

/** Some that write without a break, each to an agent of its own. */
class Writers {
  confirmed = 0;
  readonly #confirmedIds: Array<readonly [number, string]> = [];
  readonly #loops: ReadonlyArray<Promise<void>>;
  #lastMs = performance.now();
  #isOver = false;

  constructor({ client }: Awaited<ReturnType<Cluster['connectClient']>>) {
    this.#loops = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let i = 0; !this.#isOver; i += 1) {
        const id = `w${writer}-${i}`;
        const agent = client.agent('ledger', `disk-${writer}`);
        const event = { type: 'add', id, filler: 'x'.repeat(512) };
        const isStored = await agent.send(event as never, { id, deadlineMs: DEADLINE_MS }).then(
          () => true,
          () => false,
        );
        // Also after a failure: over a connection that is closed it comes at once, and nothing else would run.
        await pause(10);
        if (!isStored) continue;
        this.confirmed += 1;
        this.#lastMs = performance.now();
        this.#confirmedIds.push([writer, id]);
      }
    });
  }

  /** How long nothing has been confirmed, in milliseconds. */
  get silentMs(): number {
    return performance.now() - this.#lastMs;
  }

  /** Stops, and leaves it at that. */
  abandon(): void {
    this.#isOver = true;
  }

  /** Stops. @returns what was confirmed and is missing once everything is processed, or is there twice. */
  async end({ ports }: Cluster): Promise<string[]> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    await until(
      async () => (await persist(() => (ports.inboxes[0] as (typeof ports.inboxes)[number]).info())).messages === 0,
      60_000,
    );
    const keys = new Set(Array.from({ length: WRITERS }, (_, i) => agentKey('ledger', `disk-${i}`)));
    const { agents } = readHistory(await readStoredAgents(ports, { writesOf: () => [] }, keys), [], {
      living: new Set(),
      endMs: Date.now(),
      missed: undefined,
    });
    return [...keys].flatMap((key, writer) => {
      const { entries = [] } = (contextOf(agents.get(key)?.record) ?? {}) as { entries?: readonly { id: string }[] };
      const list = entries.map(({ id }) => id);
      const twice = list.filter((id, at) => list.indexOf(id) !== at).map((id) => `${key}: ${id} was processed twice`);
      const mine = this.#confirmedIds.filter(([of]) => of === writer).map(([, id]) => id);
      return [
        ...twice,
        ...mine.filter((id) => !list.includes(id)).map((id) => `${key}: ${id} was acknowledged and is missing`),
      ];
    });
  }
}
