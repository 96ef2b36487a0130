import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { span } from '@wakebus/protocol';
import { OtlpReceiver } from '../../telemetry/test/support/otlp-receiver.ts';
import { breaks } from '../src/demo/options.ts';
import { explained, newestChain, turnsOfChain, turnsOfTrace } from './demo-chain.ts';

/** Seeds a test runs. More by hand: `WAKEBUS_DEMO_SEEDS=20`. */
const seeds = Number(process.env['WAKEBUS_DEMO_SEEDS'] ?? 1);
/** `dedupe` turns three of them off; with more than one seed each is tried by itself, too. */
const tried = seeds === 1 ? ['dedupe', 'cas', 'effect-keys'] : Object.keys(breaks);
/** What each says when it is noticed. */
const noticed: Readonly<Record<string, readonly RegExp[]>> = {
  dedupe: [/\d events were processed twice/, /the gateway took \d+ repeats/, /the server took \d+ repeats/],
  cas: [/\d events were lost/],
  'effect-keys': [/\d summaries were posted twice/],
};
/** A fast run takes 8 s, a busy machine three times as long. */
const timeoutMs = 45_000 * Math.max(2, seeds);

interface Demo {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves once the output holds the text. */
  readonly says: (text: string) => Promise<void>;
  readonly ends: Promise<number | null>;
  /** Processes that run because of this one, itself included. */
  readonly family: () => number[];
}

const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

/** Every process of the demo exports its spans, and soon: what is killed has told nearly all. */
function exportingTo(receiver: OtlpReceiver): Readonly<Record<string, string>> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  };
}

function start(...args: string[]): Demo {
  return startIn({}, ...args);
}

function startIn(given: Readonly<Record<string, string>>, ...args: string[]): Demo {
  const mark = `WAKEBUS_DEMO_TEST=${randomUUID()}`;
  const [name = '', value = ''] = mark.split('=');
  const child = spawn(process.execPath, [fileURLToPath(new URL('demo-main.ts', import.meta.url)), '--fast', ...args], {
    env: { ...process.env, ...given, [name]: value },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  const says = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => (output.includes(text) ? resolve() : undefined);
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', look);
      look();
    });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').prependListener('data', (text: string) => (output += text));
  const ends = once(child, 'exit').then(([code]) => code as number | null);
  return { child, output: () => output, says, ends, family: () => processesWith(mark) };
}

/** IDs of processes whose environment holds a mark: children inherit it. */
function processesWith(mark: string): number[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark);
    } catch {
      return false; // It has ended, or is somebody else's.
    }
  });
}

describe('the demo', () => {
  test('comes to the states of the plain fold, with every fault on the way', { timeout: 2 * timeoutMs }, async () => {
    await using receiver = await OtlpReceiver.start();
    const demo = startIn(exportingTo(receiver), '--seed', '7', '--hold');
    await Promise.race([demo.says('It keeps running'), demo.ends]);
    const servers = /NATS_URL=(\S+)/.exec(demo.output())?.[1] ?? '';
    expect(servers, demo.output()).not.toBe('');
    const chain = await newestChain(servers);
    const told = await explained(servers, chain.root.event.id ?? '');
    demo.child.kill('SIGINT');

    expect(await demo.ends, demo.output()).toBe(0);
    const spans = receiver.spans.filter(({ traceId }) => traceId === chain.traceId);
    expect(turnsOfTrace(spans)).toEqual([turnsOfChain(chain.root)]);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const [sent, ...others] = spans.filter(({ parentSpanId }) => !ids.has(parentSpanId));
    expect(others).toEqual([]);
    expect(sent).toMatchObject({ name: span.send, parentSpanId: '' });
    expect(sent?.resource['service.name']).toBe('wakebus-demo-gateway');
    expect(told).toContain(`${chain.steps} steps, `);
    expect(told).toContain(`trace ${chain.traceId}`);
    const output = demo.output();
    expect(output).toMatch(/deliveries +329 /);
    expect(output).toMatch(/sent twice +3\d /);
    expect(output).toMatch(
      /duplicates dropped +3\d +\d+ by the gateway, \d+ by the server, \d+ by the agents' records/,
    );
    expect(output).toMatch(/summaries +46 +posted .* under 46 keys, [1-9]\d* asked for twice, 0 doubled/);
    expect(output).toMatch(/agents +58 +46 that deliveries are about/);
    expect(output).toMatch(/longest sleep +880 days +issue\/Codertocat\/Hello-World#1, 2019-05-15 to 2021-10-11/);
    expect(output).toMatch(/lost +0\n +doubled +0\n/);
    const [digest, expected] = output.match(/\b[0-9a-f]{64}\b/g) ?? [];
    expect(digest).toBe(expected);
    expect(output).toMatch(/commit\/\w+ .*\n.*[├└]─ .*\n.*[├└]─ .*\n/);
    for (const fault of [
      'SIGKILL), another',
      'SIGSTOP',
      'SIGCONT',
      'the NATS server is killed',
      'the gateway is killed',
    ])
      expect(output).toContain(fault);
    expect(output.match(/npm run demo -- /g)).toHaveLength(3);
  });

  test.each(tried)('fails without a guarantee: --break %s', { timeout: timeoutMs }, async (broken) => {
    const demo = start('--break', broken, '--seed', '11', '--seeds', String(seeds));

    expect(await demo.ends, demo.output()).toBe(1);
    expect(demo.output()).toContain(seeds === 1 ? 'WRONG: ' : `0 of ${seeds} seeds right`);
    for (const what of noticed[broken] ?? []) expect(demo.output()).toMatch(what);
  });

  test.skipIf(seeds === 1)('is right with every seed', { timeout: timeoutMs }, async () => {
    const demo = start('--seed', '100', '--seeds', String(seeds));

    expect(await demo.ends, demo.output()).toBe(0);
  });
});

describe.skipIf(process.platform !== 'linux')('whatever becomes of it', () => {
  test('leaves nothing running after Ctrl-C', { timeout: timeoutMs }, async () => {
    const demo = start('--seed', '3');
    await demo.says('SIGSTOP');
    expect(demo.family().length).toBeGreaterThan(3);
    demo.child.kill('SIGINT');

    expect(await demo.ends, demo.output()).toBe(130);
    await expect.poll(() => demo.family()).toEqual([]);
  });

  test('leaves nothing running when it is killed, a stopped node included', { timeout: timeoutMs }, async () => {
    const demo = start('--seed', '3');
    await demo.says('SIGSTOP');
    demo.child.kill('SIGKILL');
    await demo.ends;

    await expect.poll(() => demo.family(), { timeout: 10_000 }).toEqual([]);
  });
});
