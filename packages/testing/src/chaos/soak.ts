/**
 * A soak: traffic without faults for as long as one likes, and a look every few seconds at what must not
 * grow: memory, handles, consumers, lag.
 */
import { Cluster } from './cluster.ts';
import { pause, persist } from './patience.ts';
import { figure } from './report.ts';
import type { FigureRow } from '../runs/run-totals.ts';
import { comeToRest } from './stored-run.ts';
import { Traffic } from './traffic.ts';

/** One look. Memory is that of the process which has most. */
export interface Sample {
  readonly atMs: number;
  readonly nodeHeapMb: number;
  readonly nodeRssMb: number;
  readonly serverMb: number;
  readonly handles: number;
  readonly consumers: number;
  readonly lag: number;
}

export type Measure = Exclude<keyof Sample, 'atMs'>;

/** What is measured. */
export const measures: ReadonlyArray<{ readonly name: Measure; readonly unit: string }> = [
  { name: 'nodeHeapMb', unit: 'MB' },
  { name: 'nodeRssMb', unit: 'MB' },
  { name: 'serverMb', unit: 'MB' },
  { name: 'handles', unit: '' },
  { name: 'consumers', unit: '' },
  { name: 'lag', unit: 'messages' },
];

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly onSample?: (sample: Sample) => void;
}

const NODES = 3;
const CLIENTS = 3;
/** Agents change after so long, in milliseconds: a ledger grows with every event, and by design. */
const PART_MS = 60_000;
const MOST_SAMPLE_EVERY_MS = 5_000;
/** Even a soak of seconds has some samples. */
const LEAST_SAMPLES = 20;
const MB = 1024 * 1024;

/** Runs one and leaves nothing behind. */
export async function soak({ minutes, seed, onSample }: SoakOptions): Promise<readonly Sample[]> {
  const cluster = await Cluster.open();
  try {
    for (let i = 0; i < NODES; i += 1) await cluster.startNode();
    const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => cluster.connectClient(`c${i}`)));
    const samples: Sample[] = [];
    const startedMs = performance.now();
    const endMs = startedMs + minutes * 60_000;
    const everyMs = Math.min(MOST_SAMPLE_EVERY_MS, (minutes * 60_000) / LEAST_SAMPLES);
    for (let part = 0; performance.now() < endMs; part += 1) {
      const traffic = new Traffic(clients, { seed, part: `s${part}`, agents: 200, workers: 6, paceMs: 10 });
      const partEndMs = Math.min(endMs, performance.now() + PART_MS);
      while (performance.now() < partEndMs) {
        await pause(everyMs);
        const sample = await look(cluster, performance.now() - startedMs);
        samples.push(sample);
        onSample?.(sample);
      }
      await traffic.end();
      const owed = await comeToRest(cluster.ports, traffic.agents, PART_MS);
      if (owed !== undefined) throw new Error(`The soak does not come to rest: ${owed}`);
    }
    return samples;
  } finally {
    await cluster.close();
  }
}

async function look(cluster: Cluster, atMs: number): Promise<Sample> {
  const nodes = await Promise.all(cluster.nodes.map(({ process }) => process.look()));
  const servers = await Promise.all(cluster.servers.servers.map(({ monitorPort }) => persist(() => ask(monitorPort))));
  const waiting = await Promise.all(cluster.ports.inboxes.map((inbox) => persist(() => inbox.info())));
  return {
    atMs,
    nodeHeapMb: Math.max(...nodes.map(({ heapBytes }) => heapBytes)) / MB,
    nodeRssMb: Math.max(...nodes.map(({ rssBytes }) => rssBytes)) / MB,
    serverMb: Math.max(...servers.map(({ mem }) => mem)) / MB,
    handles: Math.max(...nodes.map(({ handles }) => handles)),
    consumers: Math.max(...servers.map(({ consumers }) => consumers)),
    lag: waiting.reduce((sum, { messages }) => sum + messages, 0),
  };
}

async function ask(monitorPort: number): Promise<{ readonly mem: number; readonly consumers: number }> {
  const [varz, jsz] = await Promise.all(
    ['varz', 'jsz'].map(async (name) => (await fetch(`http://127.0.0.1:${monitorPort}/${name}`)).json()),
  );
  return { mem: (varz as { mem: number }).mem, consumers: (jsz as { consumers: number }).consumers };
}

/** The first fifth is warm-up: caches fill, the JIT compiles, agents are born. */
const WARM_UP = 0.2;

/**
 * Growth an hour, by least squares.
 *
 * @param samples - At least two after the warm-up.
 */
export function slopeAnHour(samples: readonly Sample[], name: Measure): number {
  const used = samples.slice(Math.floor(samples.length * WARM_UP));
  const hours = used.map(({ atMs }) => atMs / 3_600_000);
  const values = used.map((sample) => sample[name]);
  const [meanX, meanY] = [mean(hours), mean(values)];
  const above = hours.reduce((sum, x, i) => sum + (x - meanX) * ((values[i] as number) - meanY), 0);
  const below = hours.reduce((sum, x) => sum + (x - meanX) ** 2, 0);
  return below === 0 ? 0 : above / below;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Last values, and how they grow. */
export function soakRows(samples: readonly Sample[]): FigureRow[] {
  return measures.flatMap(({ name, unit }) => [
    figure(`soak-${name}`, unit, samples.at(-1)?.[name] ?? 0),
    figure(`soak-${name}-an-hour`, unit, slopeAnHour(samples, name)),
  ]);
}
