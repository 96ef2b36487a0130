import { execFileSync } from 'node:child_process';
import { appendFile, link, mkdir, readdir, rename, rm, symlink, writeFile, truncate } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesOf } from '@wakebus/placement-node';
import { namesOf } from '@wakebus/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  attempt,
  begin,
  clock,
  elsewhere,
  end,
  folder,
  key,
  lastMachine,
  made,
  many,
  noise,
  objects,
  open,
} from './scene.ts';

beforeEach(begin);
afterEach(end);

describe('a folder that cannot be kept is refused, by the name of what is wrong, and nothing of it counts', () => {
  const refusals: ReadonlyArray<readonly [string, (path: string) => unknown, string, RegExp]> = [
    ['a link out of it', (path) => symlink('../other', join(path, 'out')), 'out', /leads out/],
    ['a link to an absolute path', (path) => symlink('/etc/passwd', join(path, 'out')), 'out', /absolute/],
    [
      'a link that leads out through another',
      async (path) => {
        await symlink('.', join(path, 'here'));
        await symlink('here/here/../..', join(path, 'out'));
      },
      'out',
      /"\.\."/,
    ],
    [
      'a hard link',
      async (path) => {
        await writeFile(join(path, 'one'), 'x');
        await link(join(path, 'one'), join(path, 'other'));
      },
      'one',
      /hard link/,
    ],
    ['a pipe', (path) => void execFileSync('sh', ['-c', 'mkfifo "$0"', join(path, 'pipe')]), 'pipe', /pipe/],
    ['a socket', (path) => listen(join(path, 'socket')), 'socket', /socket/],
    ['a newline in a name', (path) => writeFile(join(path, 'a\nb'), ''), 'a\nb', /newline/],
    ['a name that is not UTF-8', (path) => writeFile(Buffer.from(`${path}/\xff`, 'latin1'), ''), '', /UTF-8|changed/],
    [
      'names that differ in case only',
      (path) => Promise.all(['README', 'readme'].map((name) => writeFile(join(path, name), ''))),
      'readme',
      /only in case/,
    ],
    [
      'names that differ in the form of their letters only',
      (path) => Promise.all(['caf\u00e9', 'cafe\u0301'].map((name) => writeFile(join(path, name), ''))),
      'caf\u00e9',
      /form of its letters/,
    ],
    ['folders too deep', (path) => mkdir(join(path, 'd/'.repeat(70)), { recursive: true }), '', /folders deep/],
  ];

  test.each(refusals)('%s', async (_, work, name, why) => {
    const ref = await made(many);
    const workspace = await open(ref);
    await work(workspace.path);
    const refused = await workspace.sync().catch((thrown: unknown) => thrown);
    await workspace.release();

    expect(refused).toMatchObject({ code: 'WORKSPACE_REFUSED', next: 'terminal' });
    expect((refused as Error).message).toMatch(why);
    if (name !== '') expect(refused).toMatchObject({ facts: { path: name } });
    expect(await attempt(() => {}, ref)).toBeUndefined();
  });

  test.each([
    ['bytes', { maxBytes: 10_000 }, (path: string) => writeFile(join(path, 'large'), noise(10_001))],
    ['files', { maxFiles: 10 }, (path: string) => many(path, 11)],
    ['bytes of a file of nothing', { maxBytes: 1_000_000 }, (path: string) => truncated(join(path, 'sparse'))],
  ] as const)('too many %s', async (_, limits, work) => {
    await expect(attempt(work, undefined, limits)).rejects.toMatchObject({ code: 'WORKSPACE_TOO_LARGE' });
    expect(objects.puts).toEqual([]);
  });

  test('a file that changes while it is read', async () => {
    const workspace = await open();
    await writeFile(join(workspace.path, 'log'), noise(3_000_000));
    objects.onPut = () => appendFile(join(workspace.path, 'log'), 'x');

    await expect(workspace.sync()).rejects.toMatchObject({
      code: 'WORKSPACE_REFUSED',
      message: expect.stringContaining('changed while it was read') as string,
    });
  });
});

async function truncated(path: string): Promise<void> {
  await writeFile(path, '');
  await truncate(path, 1e12);
}

function listen(path: string): Promise<void> {
  // As short as a socket's path must be.
  const short = join(tmpdir(), `wb${Math.random().toString(36).slice(2)}`);
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.listen(short, () => {
      server.unref();
      void rename(short, path).then(resolve, reject);
    });
  });
}

describe('what is damaged is no folder', () => {
  test.each([
    ['gone', (name: string) => rm(join(folder, 'chunks', name.slice(0, 2), name)), 'CHUNK_MISSING'],
    ['changed', (name: string) => writeFile(join(folder, 'chunks', name.slice(0, 2), name), 'x'), 'CHUNK_DAMAGED'],
  ])('a chunk of files that is %s', async (_, damage, code) => {
    const ref = await made(many);
    const [name = ''] = await filesOf({ chunks: objects, clock }, key, ref);
    await damage(name);
    const machine2 = await elsewhere();

    await expect(open(ref, machine2)).rejects.toMatchObject({ code, next: 'quarantine' });
    expect(await readdir(join(lastMachine(), 'agents'))).toEqual([]);
  });

  test.each([
    ['gone', (name: string) => rm(join(folder, 'chunks', name.slice(0, 2), name)), 'CHUNK_MISSING'],
    ['cut', (name: string) => writeFile(join(folder, 'chunks', name.slice(0, 2), name), 'x'), 'CHUNK_DAMAGED'],
  ])('a manifest that is %s', async (_, damage, code) => {
    const ref = await made(many);
    await damage(namesOf(ref.names)[0] as string);

    await expect(open(ref, await elsewhere())).rejects.toMatchObject({ code, next: 'quarantine' });
  });

  test('a reference that was changed', async () => {
    const ref = await made(many);
    const other = await made((path) => writeFile(join(path, 'more'), 'x'), ref);

    for (const wrong of [
      { ...ref, manifestBytes: ref.manifestBytes - 1 },
      { ...ref, names: other.names },
      { ...ref, files: 3 },
      { ...ref, sizeBytes: 3 },
    ])
      await expect(open(wrong, await elsewhere())).rejects.toMatchObject({ code: 'WORKSPACE_DAMAGED' });
  });

  test('a store that fails at any chunk of a sync leaves the pair before, and the next try succeeds', async () => {
    const ref = await made(many);
    for (let failing = 0; failing < 3; failing += 1) {
      const workspace = await open(ref);
      await writeFile(join(workspace.path, 'large'), noise(400_000, failing));
      let puts = 0;
      objects.onPut = () => {
        puts += 1;
        if (puts === failing + 1) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
      };
      await expect(workspace.sync()).rejects.toThrow('the disk is full');
      objects.onPut = () => {};
      const kept = await workspace.sync();
      await workspace.release();

      expect(kept).toMatchObject({ files: 41, before: ref.names });
      expect(await attempt(() => {}, ref)).toBeUndefined();
    }
  });
});
