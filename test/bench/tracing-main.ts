/**
 * What the spans of a hot turn cost: the placement node's own code for them, with and without, in a process
 * of its own because an SDK is registered for good. Prints the difference of each pair, in microseconds of
 * CPU a turn, the export among it.
 *
 * Not measured around whole turns: on a machine with neighbours two seconds of those differ by more than
 * spans cost.
 */
import { type ProxyTracerProvider, trace } from '@opentelemetry/api';
import type { Inbound } from '@wakebus/core';
import { agentKey, attribute, span } from '@wakebus/protocol';
import { startTelemetry } from '@wakebus/telemetry';
import { Telemetry } from '../../packages/placement-node/src/telemetry.ts';
import { commitFacts, startTurnSpan } from '../../packages/placement-node/src/telemetry/turn-span.ts';

const PAIRS = 20;
const TURNS = 4_000;
/** One turn in so many is sampled, unless all are. */
const SAMPLED_EVERY = process.env['BENCH_SAMPLED'] === 'all' ? 1 : 100;
const key = agentKey('counter', '17');
const clock = { wallMs: () => Date.now() };

const running = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] === undefined ? undefined : await startTelemetry();
const without = new Telemetry('node', { spans: false });
const withSpans = new Telemetry('node');

for (const telemetry of [without, withSpans]) await costOf(telemetry);
const differences: number[] = [];
for (let pair = 0; pair < PAIRS; pair += 1) {
  const isFirst = pair % 2 === 0;
  const first = await costOf(isFirst ? withSpans : without);
  const second = await costOf(isFirst ? without : withSpans);
  differences.push(isFirst ? first - second : second - first);
}
await running?.stop();
process.stdout.write(`${JSON.stringify(differences)}\n`);
process.exit(0);

async function costOf(telemetry: Telemetry): Promise<number> {
  const before = process.cpuUsage();
  for (let turn = 0; turn < TURNS; turn += 1) spansOf(telemetry, turn);
  await flush();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / TURNS;
}

/** What a turn of one event does about its spans, as `Activation.turn` does it. */
function spansOf(telemetry: Telemetry, turn: number): void {
  const context = { telemetry, ports: { clock } } as unknown as Parameters<typeof startTurnSpan>[0];
  const started = startTurnSpan(context, key, [inboundOf(turn)], 0);
  const commit = telemetry.below(span.commit, key, started);
  if (commit.isRecording)
    commit.set({ [attribute.sizeBytes]: 1_000, ...commitFacts({ kind: 'committed', revision: turn }, 1) });
  commit.end();
  if (started.isRecording)
    started.set({ [attribute.events]: 1, ...commitFacts({ kind: 'committed', revision: turn }, 1) });
  started.end();
}

function inboundOf(turn: number): Inbound {
  const flags = turn % SAMPLED_EVERY === 0 ? '01' : '00';
  const id = (turn + 1).toString(16);
  const traceparent = `00-${id.padStart(32, '0')}-${id.padStart(16, '0')}-${flags}`;
  return {
    kind: 'event',
    seq: turn,
    headers: { traceparent },
    sizeBytes: 20,
    storedMs: Date.now(),
    event: { type: 'add' },
  };
}

/** Has everything exported that was ended: what waits in a queue would be paid for by whoever comes next. */
async function flush(): Promise<void> {
  const provider = (trace.getTracerProvider() as ProxyTracerProvider).getDelegate() as {
    forceFlush?: () => Promise<void>;
  };
  await provider.forceFlush?.();
}
