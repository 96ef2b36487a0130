/**
 * `npm run bench [-- --json FILE] [--only NAME]`: every figure that the README states, with the bare
 * NATS floor measured in the same run. Exits 0 whether targets are met or not: it measures.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startNatsServer } from '@wakebus/nats-server';
import { coldRows, sleeperRows } from './cold.ts';
import { crashRows } from './crash.ts';
import { durableRows } from './durable.ts';
import { effectRows } from './effects.ts';
import { gatewayRows } from './gateway.ts';
import { gateRows } from './gates.ts';
import { type Floor, hotRows } from './hot.ts';
import { isolationRows } from './isolation.ts';
import { measureFloor } from './measure-floor.ts';
import { neighbourRows } from './neighbours.ts';
import { poolRows } from './pool.ts';
import { type Row, renderTable } from './rows.ts';
import { throughputRows } from './throughput.ts';
import { timerRows } from './timers.ts';
import { tracingRows } from './tracing.ts';
import { type World, startWorld } from './world.ts';

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });

/** Each group runs in a world of its own, so that none pays for another's leftovers. */
const groups: Record<string, (world: World, floor: Floor) => Promise<Row[]>> = {
  hot: hotRows,
  throughput: throughputRows,
  cold: coldRows,
  sleepers: (world) => sleeperRows(world, world.server.storeDir),
};
const standalone: Record<string, () => Promise<Row[]>> = {
  fsync: durableRows,
  crash: crashRows,
  pool: poolRows,
  neighbours: neighbourRows,
  isolation: isolationRows,
  tracing: tracingRows,
  timers: timerRows,
  effects: effectRows,
  gateway: gatewayRows,
  gates: gateRows,
};

const names = [...Object.keys(groups), ...Object.keys(standalone)];
if (values.only !== undefined && !names.includes(values.only)) {
  process.stderr.write(`There is no benchmark "${values.only}". There are: ${names.join(', ')}.\n`);
  process.exit(2);
}

const rows: Row[] = [];
for (const name of names) {
  if (values.only !== undefined && values.only !== name) continue;
  process.stderr.write(`${name} …\n`);
  rows.push(...(await runGroup(name)));
}
process.stdout.write(`${renderTable(rows)}\n`);
if (values.json !== undefined) await writeFile(values.json, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);

async function runGroup(name: string): Promise<Row[]> {
  const alone = standalone[name];
  if (alone !== undefined) return alone();
  await using server = await startNatsServer();
  const { floor, rows: floorRows } = await measureFloor(server.url, 4_000);
  const world = await startWorld({}, server);
  try {
    const measured = (await groups[name]?.(world, floor)) ?? [];
    return [...(rows.length === 0 ? floorRows : []), ...measured];
  } finally {
    await world.stop();
  }
}
