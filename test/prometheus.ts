/**
 * Prometheus and promtool for tests: those of the system, else out of Debian's archive into this
 * repository's cache. Where neither is to be had the tests that need them are skipped, and say so.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { unpackFromDebian } from '../packages/nats-server/src/debian.ts';

const execute = promisify(execFile);
const cache = resolve('.cache', 'prometheus');

/** Paths of the two programs. */
export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

/** Finds or fetches them. @returns `undefined` where they are not to be had; why is on standard error. */
export async function findPrometheus(): Promise<PrometheusPrograms | undefined> {
  const known = inFolders([...(process.env['PATH'] ?? '').split(delimiter), cache]);
  if (known !== undefined) return known;
  try {
    await fetchPrometheus();
    return inFolders([cache]);
  } catch (error) {
    console.warn(`SKIPPED: no Prometheus to test dashboards and alerts with. ${String(error)}`);
    return undefined;
  }
}

function inFolders(folders: readonly string[]): PrometheusPrograms | undefined {
  const folder = folders.find((each) => ['prometheus', 'promtool'].every((name) => existsSync(join(each, name))));
  return folder === undefined
    ? undefined
    : { prometheus: join(folder, 'prometheus'), promtool: join(folder, 'promtool') };
}

async function fetchPrometheus(): Promise<void> {
  await mkdir(resolve('.cache'), { recursive: true });
  const workDir = await mkdtemp(resolve('.cache', '.prometheus-'));
  try {
    // Renamed into its place at once: two that fetch at the same time see none or all of it.
    const made = join(workDir, 'made');
    await mkdir(made);
    for (const name of ['prometheus', 'promtool']) {
      const folder = join(workDir, name);
      await mkdir(folder);
      await cp(join(await unpackFromDebian(folder, name), 'usr', 'bin', name), join(made, name));
    }
    await rename(made, cache).catch(() => {});
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** Runs promtool. @returns what it said; it fails when promtool does. */
export async function promtool({ promtool: path }: PrometheusPrograms, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await execute(path, args);
  return stdout + stderr;
}

/** A running Prometheus that scrapes one address. */
export class RunningPrometheus implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #url: string;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.#folder = folder;
    this.#url = url;
  }

  static async start({ prometheus }: PrometheusPrograms, target: string): Promise<RunningPrometheus> {
    const folder = await mkdtemp(resolve('.cache', '.prometheus-run-'));
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'wakebus', static_configs: [{ targets: [target] }] }],
    };
    await writeFile(join(folder, 'prometheus.yaml'), JSON.stringify(config));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      prometheus,
      [
        `--config.file=${join(folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: 'ignore' },
    );
    return new RunningPrometheus(child, folder, `http://${address}`);
  }

  /** Series that an expression gives now, by their labels. Nothing while Prometheus is not up yet. */
  async query(
    expression: string,
  ): Promise<ReadonlyArray<{ readonly labels: Record<string, string>; readonly value: number }>> {
    try {
      const answer = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await answer.json()) as {
        data?: { result: ReadonlyArray<{ metric: Record<string, string>; value: [number, string] }> };
      };
      return (data?.result ?? []).map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    } catch {
      return [];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
