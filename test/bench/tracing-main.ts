/**
 * What the spans of a placement node cost, in a process of its own because an SDK is registered for good:
 * two deployments on one server, alike but for their spans, called in turn. Prints the difference of each
 * pair, in microseconds of CPU a turn.
 */
import { startNatsServer } from '@wakebus/nats-server';
import { startTelemetry } from '@wakebus/telemetry';
import { type World, startWorld } from './world.ts';

const PAIRS = 20;
/** Agents that are called at once, each again when it has answered: every turn takes one event. */
const CALLERS = 32;
const CALLS = 100;
const TRACEPARENT = { sampled: '01', unsampled: '00' } as const;

const hasSdk = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] !== undefined;
const telemetry = hasSdk ? await startTelemetry({ serviceName: 'bench' }) : undefined;
const server = await startNatsServer();
const without = await startWorld({ prefix: 'without', node: { telemetry: { spans: false } } }, server);
const withSpans = await startWorld({ prefix: 'with' }, server);

await microsecondsPerTurn(without, 0);
await microsecondsPerTurn(withSpans, 0);
const differences: number[] = [];
for (let pair = 1; pair <= PAIRS; pair += 1) {
  // Each goes first as often as the other: the machine warms up, or is slowed down, for both alike.
  const first = pair % 2 === 0 ? without : withSpans;
  const second = first === without ? withSpans : without;
  const costs = new Map([
    [first, await microsecondsPerTurn(first, pair)],
    [second, await microsecondsPerTurn(second, pair)],
  ]);
  differences.push((costs.get(withSpans) ?? 0) - (costs.get(without) ?? 0));
}
await Promise.all([without.stop(), withSpans.stop()]);
await telemetry?.stop();
await server.stop();
process.stdout.write(`${JSON.stringify(differences)}\n`);
process.exit(0);

async function microsecondsPerTurn(world: World, pair: number): Promise<number> {
  globalThis.gc?.();
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => callOn(world, caller, pair)));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (CALLERS * CALLS);
}

/** Every call brings the context of a caller elsewhere, one in a hundred of them sampled where the ratio says so. */
async function callOn(world: World, caller: number, pair: number): Promise<void> {
  const agent = world.client.agent('counter', String(caller));
  for (let call = 0; call < CALLS; call += 1) {
    const isSampled = process.env['BENCH_SAMPLED'] === 'all' || call === 0;
    const id = (pair * CALLERS * CALLS + caller * CALLS + call + 1).toString(16);
    const traceparent = `00-${id.padStart(32, '0')}-${id.padStart(16, '0')}-${isSampled ? TRACEPARENT.sampled : TRACEPARENT.unsampled}`;
    await agent.call({ type: 'add', by: 1 }, { trace: { traceparent } });
  }
}
