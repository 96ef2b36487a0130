/** The doorbells of `examples/doorbells`: what systemd and Kubernetes make of them, and that they ring once a period. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Client } from '@wakebus/client';
import { defineAgent } from '@wakebus/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { parse } from 'yaml';
import { type Place, startPlace } from '../packages/cli/test/place.ts';

const folder = resolve('examples/doorbells');
const main = resolve('packages/cli/src/main.ts');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).error === undefined;

const machine = setup({ types: { context: {} as { rings: number } } }).createMachine({
  context: { rings: 0 },
  on: { doorbell: { actions: assign({ rings: ({ context }) => context.rings + 1 }) } },
});

let place: Place;
let client: Client;

beforeAll(async () => {
  place = await startPlace();
  ({ client } = await place.serve(defineAgent({ type: 'report', machine })));
});

afterAll(() => place[Symbol.asyncDispose]());

function read(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

/** What a unit says under a key, the last time that it does. */
function setting(unit: string, key: string): string | undefined {
  return [...read(unit).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].at(-1)?.[1];
}

interface CronJob {
  readonly spec: {
    readonly jobTemplate: {
      readonly spec: {
        readonly template: { readonly spec: { readonly containers: ReadonlyArray<{ args: string[] }> } };
      };
    };
  };
}

function cronJob(): CronJob {
  return parse(read('cronjob.yaml')) as CronJob;
}

/** Runs the arguments that stand after `wakebus`, as the command would be. */
function ring(args: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  const env = { PATH: process.env['PATH'], HOME: tmpdir(), WAKEBUS_SERVERS: place.server.url };
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env });
}

if (!hasSystemd) console.warn('systemd-analyze is not here: the units of examples/doorbells are NOT verified');

test.skipIf(!hasSystemd)('systemd finds nothing to say about the units', () => {
  const units = mkdtempSync(join(tmpdir(), 'wakebus-units-'));
  try {
    const instances = ['service', 'timer'].map((kind) => {
      const path = join(units, `wakebus-doorbell@report-daily.${kind}`);
      copyFileSync(join(folder, `wakebus-doorbell@.${kind}`), path);
      return path;
    });
    const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', ...instances], { encoding: 'utf8' });

    expect([status, stdout, stderr]).toEqual([0, '', '']);
  } finally {
    rmSync(units, { recursive: true });
  }
});

test('the timer makes up for what was missed while the machine was off', () => {
  expect([setting('wakebus-doorbell@.timer', 'Persistent'), setting('wakebus-doorbell@.service', 'Type')]).toEqual([
    'true',
    'oneshot',
  ]);
});

const text = expect.any(String) as string;
const number = expect.any(Number) as number;
const texts = expect.arrayContaining([text]) as string[];

test('the CronJob has the fields of batch/v1, one job at a time, and no other', () => {
  const container = {
    name: text,
    image: text,
    args: texts,
    env: [
      { name: 'WAKEBUS_SERVERS', value: text },
      { name: 'WAKEBUS_CREDS', value: text },
    ],
    resources: { requests: { cpu: text, memory: text }, limits: { memory: text } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'creds', mountPath: text, readOnly: true }],
  };
  const pod = {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: number, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container],
    volumes: [{ name: 'creds', secret: { secretName: text } }],
  };
  expect(cronJob()).toEqual({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: {
      name: expect.stringMatching(/^[a-z0-9-]{1,52}$/) as string,
      labels: { 'app.kubernetes.io/name': text },
    },
    spec: {
      schedule: expect.stringMatching(/^(?:[\d*/,-]+ ){4}[\d*/,-]+$/) as string,
      timeZone: text,
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: number,
      successfulJobsHistoryLimit: number,
      failedJobsHistoryLimit: number,
      jobTemplate: { spec: { backoffLimit: number, activeDeadlineSeconds: number, template: { spec: pod } } },
    },
  });
});

test('both ring their agent once a period, whoever is first', async () => {
  const defaults = new Map(
    (setting('wakebus-doorbell@.service', 'Environment') ?? '')
      .split(' ')
      .map((pair) => pair.split('=') as [string, string]),
  );
  const command = setting('wakebus-doorbell@.service', 'ExecStart') ?? '';
  const bySystemd = command
    .replace('/usr/bin/env wakebus ', '')
    .replaceAll('%I', 'report/daily')
    .replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => defaults.get(name) ?? '')
    .split(' ');
  const [program, ...byKubernetes] = cronJob().spec.jobTemplate.spec.template.spec.containers[0]?.args ?? [];
  expect(program).toBe('wakebus');
  // Not across the turn of an hour: both must fall into one period.
  const daily = (args: readonly string[]): string[] => args.map((arg) => (arg === '1h' ? '1000d' : arg));

  const rings = [daily(bySystemd), daily(bySystemd), daily(byKubernetes)].map(ring);

  expect(rings.map(({ status, stderr }) => [status, stderr])).toEqual([
    [0, 'it rang\n'],
    [0, 'it has rung in this period\n'],
    [0, 'it has rung in this period\n'],
  ]);
  await expect.poll(async () => (await client.inspect('report/daily'))?.context).toEqual({ rings: 1 });
});
