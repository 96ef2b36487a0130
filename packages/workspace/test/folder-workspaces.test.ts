import { execFileSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest } from '@wakebus/placement-node';
import { type AgentKey, type WorkspaceRef } from '@wakebus/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { removeFolder } from '../src/folders/remove-folder.ts';
import { folderWorkspaces } from '../src/mod.ts';
import {
  all,
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
  seen,
  specOf,
  workspaces,
} from './scene.ts';

const NOBODY = 65_534;

/** Nothing is forbidden to root: who is root is somebody else for that long, whom the folders belong to. */
async function asSomebody(parent: string, folders: readonly string[], work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) for (const each of [parent, ...folders]) await chown(each, NOBODY, NOBODY);
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

beforeEach(begin);
afterEach(end);

describe('a folder of files', () => {
  test('is the same on another machine: content, modes, empty folders, links', async () => {
    const ref = await made(async (path) => {
      await many(path);
      await writeFile(join(path, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
      await writeFile(join(path, 'secret'), 'x', { mode: 0o600 });
      await writeFile(join(path, 'empty'), '');
      await writeFile(join(path, 'large'), noise(900_000));
      await mkdir(join(path, 'nothing here'));
      await symlink('../run.sh', join(path, 'notes/tool'));
      await symlink('notes', join(path, 'n'));
    });
    const here = await open(ref);
    const there = await open(ref, await elsewhere());

    expect(ref).toMatchObject({ files: 44 });
    expect(Object.keys(await seen(here.path))).toHaveLength(49);
    expect(await seen(there.path)).toEqual(await seen(here.path));
    expect(execFileSync(join(there.path, 'notes/tool'))).toHaveLength(0);
  });

  test('that nobody has changed has no new manifest, and none is written', async () => {
    const ref = await made(many);
    objects.forget();

    expect(await attempt(() => {}, ref)).toBeUndefined();
    expect(await attempt(async (path) => utimes(join(path, 'notes/0.md'), 1, 1), ref)).toBeUndefined();
    expect(await attempt(() => {})).toBeUndefined();
    expect(objects).toMatchObject({ gets: [], puts: [] });
  });

  test('has another place for each attempt: what the last one left running finds nothing there', async () => {
    let before = '';
    await attempt((path) => void (before = path));
    const ref = await made(async (path) => {
      await writeFile(join(path, 'mine'), 'x');
      await expect(writeFile(join(before, 'late'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
    });

    expect(Object.keys(await seen((await open(ref)).path))).toEqual(['mine']);
  });

  test('whose place an effect has given to a link is refused, and what that names is left alone', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'theirs'), 'x');
    const swapped = attempt(async (path) => {
      await rm(path, { recursive: true });
      await symlink(outside, path);
    });

    await expect(swapped).rejects.toMatchObject({ code: 'WORKSPACE_REFUSED', facts: { path: '.' } });
    await made((path) => writeFile(join(path, 'mine'), 'x'));

    expect(await readdir(outside)).toEqual(['theirs']);
  });

  test('is kept by what it takes on the disk, ignored files among it', async () => {
    const machine = await elsewhere(100_000);
    const fill = { on: machine, ignore: ['cache'] };
    await attempt((path) => writeFile(join(path, 'cache'), noise(90_000)), undefined, fill);
    const kept = await readdir(join(lastMachine(), 'agents'));
    await attempt((path) => writeFile(join(path, 'cache'), noise(110_000)), undefined, fill);

    expect(kept).toHaveLength(1);
    expect(await readdir(join(lastMachine(), 'agents'))).toEqual([]);
  });

  test('costs what has changed: one file is stored, and only that is fetched by who has the others', async () => {
    const first = await made(many);
    const machine2 = await elsewhere();
    await attempt(() => {}, first, { on: machine2 });
    objects.forget();
    const second = await made((path) => appendFile(join(path, 'notes/0.md'), 'more'), first);
    const stored = objects.puts.length;
    objects.forget();
    const workspace = await open(second, machine2);

    expect(stored).toBe(2);
    expect(await readFile(join(workspace.path, 'notes/0.md'), 'utf8')).toMatch(/more$/);
    // The manifest, and the chunk of the one file.
    expect(objects.gets).toHaveLength(2);
  });

  test('a large file that has grown shares what it was', async () => {
    const first = await made((path) => writeFile(join(path, 'log'), noise(1_500_000)));
    objects.forget();
    const second = await made((path) => appendFile(join(path, 'log'), noise(1_000, 2)), first);
    const chunks = (await readManifest({ chunks: objects, clock }, key, second)).chunks.length;

    expect(chunks).toBeGreaterThan(4);
    expect(objects.puts.length).toBeLessThanOrEqual(3);
  });

  test('many agents of one template are stored once', async () => {
    await made(many);
    objects.forget();
    const other = await workspaces.open({ key: 'clerk.bob' as AgentKey, ref: undefined, spec: specOf() });
    await many(other.path);
    const before = await all();
    await other.sync();
    await other.release();

    expect(await all()).toEqual(before);
  });

  test('small changes one after the other do not leave ever more small chunks', async () => {
    let ref = await made(many);
    for (let i = 0; i < 70; i += 1)
      ref = await made((path) => writeFile(join(path, `notes/${2 * (i % 20)}.md`), `${i} again`.repeat(200)), ref);
    const { chunks } = await readManifest({ chunks: objects, clock }, key, ref);
    const workspace = await open(ref, await elsewhere());

    expect(chunks.length).toBeLessThan(36);
    expect(await readFile(join(workspace.path, 'notes/18.md'), 'utf8')).toBe('69 again'.repeat(200));
  });

  test('what was left by an attempt of which nothing came is gone from the next one', async () => {
    const ref = await made(many);
    const failed = await open(ref);
    await rm(join(failed.path, 'notes/old'), { recursive: true });
    await writeFile(join(failed.path, 'notes/old'), 'a file in its place');
    await writeFile(join(failed.path, 'notes/0.md'), 'other content');
    await rename(join(failed.path, 'notes/2.md'), join(failed.path, 'notes/4.md'));
    await symlink('/etc', join(failed.path, 'etc'));
    await chmod(join(failed.path, 'notes'), 0o500);
    const { ino } = await stat(failed.path);
    await failed.release();
    const next = await open(ref);
    const whole = await open(ref, await elsewhere());

    expect((await stat(next.path)).ino).toBe(ino);
    expect(await seen(next.path)).toEqual(await seen(whole.path));
  });

  test('who still writes into a folder that was discarded reaches nobody', async () => {
    const ref = await made(many);
    const stopped = await open(ref);
    await stopped.discard();
    const next = await open(ref);

    await expect(writeFile(join(stopped.path, 'notes/0.md'), 'late')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readFile(join(next.path, 'notes/0.md'), 'utf8')).not.toBe('late');
  });

  test('two at once have a folder each', async () => {
    const ref = await made(many);
    const one = await open(ref);
    const other = await open(ref);
    await writeFile(join(one.path, 'notes/0.md'), 'changed');

    expect(await readFile(join(other.path, 'notes/0.md'), 'utf8')).toMatch(/^0 0 /);
  });

  test('keeps no more of what nobody uses than it may', async () => {
    const small = await elsewhere(100_000);
    const refs: WorkspaceRef[] = [];
    for (const id of ['ada', 'bob', 'eve']) {
      const workspace = await small.open({ key: `clerk.${id}` as AgentKey, ref: undefined, spec: specOf() });
      await writeFile(join(workspace.path, 'file'), noise(60_000, id.length));
      refs.push((await workspace.sync()) as WorkspaceRef);
      await workspace.release();
    }

    expect(await readdir(join(lastMachine(), 'agents'))).toEqual([expect.stringMatching(/^clerk\.eve/)]);
  });

  test('is removed also where a program has made it read-only', async () => {
    const cache = join(folder, 'cache');
    await mkdir(join(cache, 'module/inner'), { recursive: true });
    await writeFile(join(cache, 'module/inner/file'), 'x', { mode: 0o444 });
    const folders = [cache, join(cache, 'module'), join(cache, 'module/inner')];
    await asSomebody(folder, folders, async () => {
      for (const each of folders.toReversed()) await chmod(each, 0o555);
      await removeFolder(cache);
    });

    expect(await readdir(folder)).not.toContain('cache');
  });

  test('is one process’s own', async () => {
    const opener = folderWorkspaces(lastMachine());

    await expect(opener({ chunks: objects, clock })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await workspaces.close();
    await expect(opener({ chunks: objects, clock })).resolves.toBeDefined();
  });

  test('keeps times where that is asked for', async () => {
    const ref = await attempt(
      async (path) => {
        await writeFile(join(path, 'old'), 'x');
        await utimes(join(path, 'old'), 1_000_000, 1_000_000);
      },
      undefined,
      { times: true },
    );
    const workspace = await open(ref, await elsewhere(), { times: true });

    expect((await stat(join(workspace.path, 'old'))).mtimeMs).toBe(1_000_000_000);
  });

  test('leaves out what is ignored', async () => {
    const ref = await attempt(
      async (path) => {
        for (const name of ['node_modules/a/b', 'src/node_modules', 'src', 'build/out', 'src/build'])
          await mkdir(join(path, name), { recursive: true });
        for (const name of ['a.tmp', 'src/b.tmp', 'src/keep.md', 'build/out/x', 'build/keep', 'node_modules/a/b/c'])
          await writeFile(join(path, name), name);
      },
      undefined,
      { ignore: ['node_modules', '*.tmp', 'build/**'] },
    );
    const { entries } = await readManifest({ chunks: objects, clock }, key, ref as WorkspaceRef);

    expect(entries.map(({ path }) => path)).toEqual(['build', 'src', 'src/build', 'src/keep.md']);
  });

  test('of any files and changes comes back as it was left', { timeout: 60_000 }, async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd e', 'é', '.hidden', 'x'.repeat(200));
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
    const change = fc.record({
      path,
      bytes: fc.constantFrom(0, 1, 100, 5_000, 70_000, 300_000),
      seed: fc.nat(3),
      mode: fc.constantFrom(0o644, 0o755, 0o600, 0o444),
      act: fc.constantFrom('write', 'write', 'folder', 'remove', 'append'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 5 }), async (rounds) => {
        const other = await elsewhere();
        let ref: WorkspaceRef | undefined;
        for (const changes of rounds) {
          const workspace = await open(ref);
          for (const each of changes) await apply(workspace.path, each);
          ref = (await workspace.sync()) ?? ref;
          const copy = await open(ref, other);
          expect(await seen(copy.path)).toEqual(await seen(workspace.path));
          await Promise.all([copy.release(), workspace.release()]);
        }
        await workspaces.open({ key, ref: undefined, spec: specOf() }).then((last) => last.discard());
      }),
      { numRuns: 12 },
    );
  });
});

/** What cannot be done is left. */
async function apply(
  root: string,
  { path, bytes, seed, mode, act }: { path: string; bytes: number; seed: number; mode: number; act: string },
): Promise<void> {
  const at = join(root, path);
  try {
    if (act === 'remove') return await rm(at, { recursive: true, force: true });
    await mkdir(act === 'folder' ? at : join(at, '..'), { recursive: true });
    if (act === 'folder') return;
    await (act === 'append' ? appendFile : writeFile)(at, noise(bytes, seed));
    await chmod(at, mode);
  } catch (thrown) {
    if (!['ENOTDIR', 'EISDIR', 'EEXIST'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown;
  }
}
