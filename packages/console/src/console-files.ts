/**
 * The console's files: those that were built when the package was published or, where the repository runs unbuilt,
 * what Vite makes of the sources beside this file. That happens once, when somebody looks for the first time.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

/** One file of the site. */
export interface SiteFile {
  readonly body: Uint8Array<ArrayBuffer>;
  /** The same, for browsers that take it. */
  readonly gzip: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Whether its name says what is in it, so that it may be kept for ever. */
  readonly isImmutable: boolean;
}

export interface SiteFiles {
  /** @param path - As it stands in the site's folder; empty for the page itself. @returns `undefined` when there is no such file. */
  get(path: string): Promise<SiteFile | undefined>;
}

const PAGE = 'index.html';
const HASHED = 'assets/';
const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.md': 'text/markdown; charset=utf-8',
};
const here = import.meta.dirname;

/** The site. It is read, or built, when the first file is asked for; a failure is told to whoever asks, and tried again. */
export function consoleFiles(): SiteFiles {
  let reading: Promise<ReadonlyMap<string, SiteFile>> | undefined;
  return {
    get: async (path) => {
      reading ??= siteFolder().then(readSite);
      reading.catch(() => (reading = undefined));
      return (await reading).get(path === '' ? PAGE : path);
    },
  };
}

async function siteFolder(): Promise<string> {
  const published = join(here, 'site');
  return existsSync(join(published, PAGE)) ? published : buildOnce();
}

/** Files are found by their whole names in what was read, so that no path leads elsewhere. */
async function readSite(folder: string): Promise<ReadonlyMap<string, SiteFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const files = paths.map(async (path) => [path.slice(folder.length + 1), await readSiteFile(path)] as const);
  return new Map(await Promise.all(files));
}

async function readSiteFile(path: string): Promise<SiteFile> {
  const body = Uint8Array.from(await readFile(path));
  return {
    body,
    gzip: Uint8Array.from(gzipSync(body)),
    contentType: contentTypes[extname(path)] ?? 'application/octet-stream',
    isImmutable: path.includes(`/${HASHED}`),
  };
}

/** Builds into a folder that is named by the sources, so that a change is seen and nothing is built twice. */
async function buildOnce(): Promise<string> {
  const cache = join(here, '..', '.cache');
  const folder = join(cache, `site-${hashOfSources()}`);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const made = join(cache, `.making-${process.pid}`);
  await promisify(execFile)(process.execPath, [join(here, 'build-main.ts'), made]);
  // Two that build at the same time make the same: the second finds it there.
  await rename(made, folder).catch(() => rm(made, { recursive: true, force: true }));
  await removeOthers(cache, folder);
  return folder;
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  const sources = globSync('**/*', { cwd: here, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = [...sources.map(({ parentPath, name }) => join(parentPath, name)), join(here, '..', 'package.json')];
  for (const path of paths.toSorted()) hash.update(`${path.slice(here.length)}\n`).update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}

async function removeOthers(cache: string, folder: string): Promise<void> {
  const others = (await readdir(cache)).filter((name) => name.startsWith('site-') && !folder.endsWith(name));
  await Promise.all(others.map((name) => rm(join(cache, name), { recursive: true, force: true })));
}
