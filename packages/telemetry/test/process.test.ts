import { expect, test } from 'vitest';
import { createLog, isTelemetryWanted, startTelemetry, switchLevelOnSignal } from '../src/mod.ts';

test('telemetry is wanted when the environment says where it goes, and not otherwise', () => {
  expect(isTelemetryWanted({})).toBe(false);
  expect(isTelemetryWanted({ OTEL_SERVICE_NAME: 'shop' })).toBe(false);
  expect(isTelemetryWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' })).toBe(true);
  expect(isTelemetryWanted({ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_SDK_DISABLED: 'true' })).toBe(false);
});

test('the level of a log changes what is written from then on', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'warn', facts: { node: 'one' }, destination: { write: (line) => lines.push(line) } });

  log.info('unheard');
  log.warn('heard', { code: 'LEASE_LOST' });
  log.level = 'debug';
  log.debug('heard now');

  const read = lines.map((line) => JSON.parse(line) as object);
  expect(read).toMatchObject([
    { level: 'warn', node: 'one', msg: 'heard', code: 'LEASE_LOST' },
    { level: 'debug', msg: 'heard now' },
  ]);
});

test('a signal has a running process log more, and the next one as before', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'warn', destination: { write: (line) => lines.push(line) } });
  switchLevelOnSignal(log);

  process.emit('SIGUSR2');
  log.debug('looked at closely');
  process.emit('SIGUSR2');
  log.info('as quiet as before');
  log.level = 'error';
  process.emit('SIGUSR2');
  process.emit('SIGUSR2');

  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['looked at closely']);
  expect(log.level).toBe('error');
});

test('stopping ends in bounded time although nobody listens, and says so without the endpoint', async () => {
  const faults: string[] = [];
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'http://user:canary@127.0.0.1:1';
  process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/json';
  const { trace } = await import('@opentelemetry/api');
  const telemetry = await startTelemetry({ stopMs: 400, onFault: (message) => faults.push(message) });
  trace.getTracer('test').startSpan('lost').end();

  await telemetry.stop();

  expect(faults).toHaveLength(1);
  expect(faults.join('\n')).not.toContain('canary');
});
