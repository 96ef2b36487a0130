/** What stands in `observability/` holds: names in both directions, alerts by promtool, dashboards by a real Prometheus. */
import { globSync, readFileSync } from 'node:fs';
import { createClient } from '@wakebus/client';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats } from '@wakebus/placement-node';
import { attribute, metric, span } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { startProgram } from './program.ts';
import { type PrometheusPrograms, RunningPrometheus, findPrometheus, freePort, promtool } from './prometheus.ts';

const readme = readFileSync(new URL('../observability/README.md', import.meta.url), 'utf8');
/** All that stands in backticks and looks like one of our names. */
const written = new Set([...readme.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string));

const emitted: readonly string[] = [...Object.values(span), ...Object.values(metric)];
const attributes = Object.values(attribute).filter((name) => name.startsWith('wakebus.'));

test('every span and metric that is emitted stands in observability/, and the names are not empty', () => {
  expect(emitted.length).toBeGreaterThan(10);
  expect(emitted.filter((name) => !written.has(name))).toEqual([]);
});

test('every attribute of ours stands in observability/', () => {
  expect(attributes.filter((name) => !written.has(name))).toEqual([]);
});

test('nothing stands in observability/ that is not emitted', () => {
  const known = new Set([...emitted, ...attributes]);
  const ours = [...written].filter((name) => name.startsWith('wakebus.') || / agents?( message)?$/.test(name));
  expect(ours.length).toBeGreaterThan(10);
  expect(ours.filter((name) => !known.has(name))).toEqual([]);
});

/** Not everywhere to be had; that is said aloud. */
const fetched = await findPrometheus();
const programs = fetched as PrometheusPrograms;
const dashboards = globSync('observability/grafana/dashboards/*.json').toSorted();
const alerts = readFileSync('observability/prometheus/alerts.yaml', 'utf8');

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: ReadonlyArray<{
    readonly title: string;
    readonly targets: ReadonlyArray<{ readonly expr: string }>;
  }>;
}

const boards = dashboards.map((path) => JSON.parse(readFileSync(path, 'utf8')) as Dashboard);
const expressions = boards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)));

/** The metrics in a text, without what Prometheus adds to counters and histograms. */
function metricsIn(text: string): Set<string> {
  const found = [...text.matchAll(/\bwakebus_[a-z_]+/g)].map(([name]) =>
    name.replace(/_(total|bucket|sum|count)$/, ''),
  );
  return new Set(found);
}

const inPrometheus = new Map(Object.values(metric).map((name) => [name.replaceAll('.', '_'), name]));
/** Ends like what Prometheus adds, and is no addition. */
inPrometheus.set('wakebus_duplicate_commit', metric.duplicateCommitCount);
inPrometheus.set('wakebus_retry', metric.retryCount);

test('every metric is in a dashboard, and no dashboard or alert names one that is not emitted', () => {
  const drawn = metricsIn(expressions.join('\n'));
  const named = new Set([...drawn, ...metricsIn(alerts)]);

  expect(boards.map(({ uid }) => uid)).toHaveLength(6);
  expect([...named].filter((name) => !inPrometheus.has(name))).toEqual([]);
  const shown = new Set([...drawn].map((name) => inPrometheus.get(name)));
  expect(Object.values(metric).filter((name) => !shown.has(name))).toEqual([]);
});

test('every alert says how bad it is, and what to do', () => {
  const rules = alerts.split(/^ {6}- alert: /m).slice(1);

  expect(rules.length).toBeGreaterThan(10);
  expect(rules.filter((rule) => !/severity: (critical|warning)/.test(rule) || !/runbook: '.{20,}'/.test(rule))).toEqual(
    [],
  );
});

test('every image in the Compose file is pinned to a version', () => {
  const images = [...readFileSync('observability/compose.yaml', 'utf8').matchAll(/image: (\S+)/g)].map(
    ([, image]) => image ?? '',
  );

  expect(images.length).toBeGreaterThan(6);
  expect(images.filter((image) => !/:v?\d+\.\d+\.\d+/.test(image))).toEqual([]);
});

test.skipIf(fetched === undefined)(
  'promtool accepts the alerts, and they fire when they should',
  { timeout: 180_000 },
  async () => {
    expect(await promtool(programs, ['check', 'rules', 'observability/prometheus/alerts.yaml'])).toContain('SUCCESS');
    expect(await promtool(programs, ['test', 'rules', 'observability/prometheus/alerts.test.yaml'])).toContain(
      'SUCCESS',
    );
  },
);

test.skipIf(fetched === undefined)(
  'a real Prometheus scrapes the node of the Compose file, and the dashboards have something to draw',
  { timeout: 240_000 },
  async () => {
    await using nats = await startNatsServer();
    const port = await freePort();
    await using node = startProgram('observability/node.ts', {
      env: {
        NATS_URL: nats.url,
        OTEL_TRACES_EXPORTER: 'none',
        OTEL_METRICS_EXPORTER: 'prometheus',
        OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
        OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
      },
    });
    await node.says('serving');
    const connection = await connectNats({ servers: nats.url });
    const client = await createClient(connection);
    await client.agent('order', '17').send({ type: 'place' });
    await using prometheus = await RunningPrometheus.start(programs, `127.0.0.1:${port}`);

    const value = async (expression: string): Promise<number | undefined> =>
      (await prometheus.query(expression))[0]?.value;
    await expect.poll(() => value('sum(wakebus_turns_total{type="ledger"})'), { timeout: 60_000 }).toBe(1);
    // A rate needs more than one sample.
    await expect
      .poll(() => value('min(count_over_time(wakebus_turns_total[1m]))'), { timeout: 60_000 })
      .toBeGreaterThan(2);
    expect(await value('wakebus_healthy')).toBe(1);
    expect(await value('sum(wakebus_wake_rate_total{source="timer"})')).toBe(1);
    const of = expressions
      .filter((expr) => expr.includes('wakebus_'))
      .map((expr) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$type', 'order'));
    const answers = await Promise.all(
      of.map(async (expr) => ({ expr, series: (await prometheus.query(`absent(${expr})`)).length })),
    );
    // What has not happened has no series: nothing failed, was given up, taken over, held back, gated, paused or timed out here.
    const quiet =
      /dead_letters|takeovers|duplicate|retry_count|unknown|source|parked|timeout|false_wake|gated|dehydrate_duration|sleep_rate|pause_rate|program_ends|audit/;
    expect(answers.filter(({ expr, series }) => series > 0 && !quiet.test(expr)).map(({ expr }) => expr)).toEqual([]);

    node.child.kill('SIGTERM');
    expect(await node.ends(), node.output()).toBe(0);
    await connection.close();
  },
);
