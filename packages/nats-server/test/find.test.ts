import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findNatsServer, natsFromEnvironment, startNatsServer } from '../src/mod.ts';
import { compareVersions } from '../src/version.ts';
import { fakeServer, temporaryFolder } from './machine.ts';

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  vi.stubEnv('NATS_SERVER', '');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Looks in the test's folder only. */
function findHere(): Promise<string> {
  return findNatsServer({ searchPath: [folder], cacheDir: join(folder, 'cache'), fetch: false });
}

test('a server on the search path is taken', async () => {
  const path = await fakeServer(folder, '2.15.1');

  expect(await findHere()).toBe(path);
});

test('a named server that is too old is refused with both versions', async () => {
  const path = await fakeServer(folder, '2.9.10');
  vi.stubEnv('NATS_SERVER', path);

  await expect(startNatsServer()).rejects.toMatchObject({
    code: 'SERVER_TOO_OLD',
    message: expect.stringMatching(/2\.9\.10.*2\.14\.0/),
  });
});

test('a named server that is not there is refused with its path', async () => {
  vi.stubEnv('NATS_SERVER', join(folder, 'absent'));

  await expect(findHere()).rejects.toMatchObject({
    code: 'SERVER_NOT_FOUND',
    message: expect.stringContaining(join(folder, 'absent')),
  });
});

test('when there is none, one error says how to get one and lists every place that was tried', async () => {
  await fakeServer(folder, '2.9.10');

  await expect(findHere()).rejects.toMatchObject({
    code: 'SERVER_NOT_FOUND',
    message: expect.stringMatching(/Install one.*\n.*2\.9\.10, older than.*\n.*cache.*holds none/),
  });
});

test('of the cached servers the newest is taken when the one on the search path is too old', async () => {
  await fakeServer(folder, '2.9.10');
  for (const version of ['2.9.9', '2.15.0', '2.14.2']) {
    await mkdir(join(folder, 'cache', version), { recursive: true });
    await fakeServer(join(folder, 'cache', version), version);
  }

  expect(await findHere()).toBe(join(folder, 'cache', '2.15.0', 'nats-server'));
});

test('a fetch that fails leaves nothing in the cache', async () => {
  vi.stubEnv('PATH', folder);
  vi.stubGlobal('fetch', () => Promise.reject(new Error('no network')));

  await expect(findNatsServer({ searchPath: [], cacheDir: join(folder, 'cache') })).rejects.toMatchObject({
    code: 'SERVER_NOT_FOUND',
    message: expect.stringMatching(/no network[^]*no Debian/),
  });
  expect(await readdir(folder)).toEqual([]);
  vi.unstubAllGlobals();
});

test('a release with another hash than the pinned one is refused', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('something else')));
  vi.stubEnv('PATH', folder);

  await expect(findNatsServer({ searchPath: [], cacheDir: join(folder, 'cache') })).rejects.toThrow(/not the pinned/);
  vi.unstubAllGlobals();
});

test('versions are ordered by their numbers', () => {
  expect(['2.9.10', '2.15.0', '2.14.2', '2.15.1'].toSorted(compareVersions)).toEqual([
    '2.9.10',
    '2.14.2',
    '2.15.0',
    '2.15.1',
  ]);
});

test('the server that the environment names is used as it is, an empty name is none', () => {
  expect(natsFromEnvironment({ NATS_URL: ' nats://one:4222,nats://two:4222 ' })).toBe(
    'nats://one:4222,nats://two:4222',
  );
  expect(natsFromEnvironment({ NATS_URL: '' })).toBeUndefined();
});
