/**
 * The floor, measured with our own client modules, so that both sides of a ratio use the same ones.
 */
import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import { floor as bareFloor } from './floor.mjs';
import type { Floor } from './hot.ts';
import { type Row, figure } from './rows.ts';

export async function measureFloor(
  servers: string,
  ms: number,
): Promise<{ readonly floor: Floor; readonly rows: Row[] }> {
  const measured: Array<{ name: string; unit: string; value: number }> = await bareFloor(
    { ...transport, ...jetstream },
    { servers, ms },
  );
  const value = (name: string): number => measured.find((row) => row.name === name)?.value ?? Number.NaN;
  const floor = {
    hotMs: value('floor-hot-p50'),
    turnsPerSecond: Math.max(value('floor-turns-256'), value('floor-turns-1000')),
  };
  return { floor, rows: measured.map((row) => figure(row.name, row.unit, row.value)) };
}
