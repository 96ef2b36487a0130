/** The cost of tracing, in CPU of the placement node's process: without an SDK, sampling 1 %, and exporting everything. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Row, figure, within } from './rows.ts';

const execute = promisify(execFile);
/** Student's t for 19 degrees of freedom, one-sided, 95 %. */
const T_95 = 1.729;

/** Most microseconds a turn, as an upper bound that 95 of 100 such measurements stay below. */
const MOST_US = { none: 8, sampled: 15 } as const;

export async function tracingRows(): Promise<Row[]> {
  const collector = createServer((request, response) => void request.resume().on('end', () => response.end()));
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const exporting = {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_BSP_MAX_QUEUE_SIZE: '20000',
  };
  try {
    const none = await measure({});
    const sampled = await measure(exporting);
    const all = await measure({ ...exporting, BENCH_SAMPLED: 'all' });
    return [
      within('spans of a turn, no SDK: CPU, upper 95 %', 'µs', none.upper, MOST_US.none),
      figure('spans of a turn, no SDK: CPU, mean', 'µs', none.mean),
      within('spans of a turn, 1 % sampled: CPU, upper 95 %', 'µs', sampled.upper, MOST_US.sampled),
      figure('spans of a turn, 1 % sampled: CPU, mean', 'µs', sampled.mean),
      figure('spans of a turn, all exported: CPU, upper 95 %', 'µs', all.upper),
    ];
  } finally {
    collector.closeAllConnections();
    collector.close();
  }
}

async function measure(
  env: Readonly<Record<string, string>>,
): Promise<{ readonly mean: number; readonly upper: number }> {
  const main = fileURLToPath(new URL('tracing-main.ts', import.meta.url));
  const { stdout } = await execute(process.execPath, [main], { env: { ...process.env, ...env } });
  const differences = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as number[];
  const mean = differences.reduce((sum, each) => sum + each, 0) / differences.length;
  const variance = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (differences.length - 1);
  process.stderr.write(`  ${JSON.stringify(differences.map((each) => Math.round(each * 10) / 10))}\n`);
  return { mean, upper: mean + T_95 * Math.sqrt(variance / differences.length) };
}
