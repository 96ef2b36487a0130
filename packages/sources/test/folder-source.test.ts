/** Real files in a real folder. What is brought in is read as `<kind> <path>`, with where a renamed one was. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type FileChange, type FolderSourceOptions, type Source, type Sources, folderSource } from '@wakebus/sources';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type World, eventually, startWorld } from './world.ts';

let world: World;
/** Each test has a folder, a source and an agent of its own. */
let name: string;
let folder: string;
let count = 0;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
});

beforeEach(() => {
  count += 1;
  name = `f${count}`;
  folder = mkdtempSync(join(tmpdir(), 'wakebus-folder-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

afterAll(() => world[Symbol.asyncDispose]());

function told({ kind, path, from }: FileChange): string {
  return from === undefined ? `${kind} ${path}` : `${kind} ${from} → ${path}`;
}

function source(more: Partial<FolderSourceOptions> = {}): Source {
  return folderSource({
    name,
    folder,
    quietMs: 60,
    map: (change) => ({ agent: `keeper/${name}`, event: 'keep', data: { text: told(change) } }),
    ...more,
  });
}

/** Starts it, and waits until it has looked through the folder. */
async function watching(more: Partial<FolderSourceOptions> = {}): Promise<Sources> {
  const sources = await world.start([source(more)]);
  await settled(sources);
  return sources;
}

/** Waits until it has nothing to look at. */
async function settled(sources: Sources): Promise<void> {
  await eventually(() => sources.health()[0]).toMatchObject({ state: 'running', detail: { toLookAt: 0 } });
}

function put(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function move(from: string, to: string): void {
  renameSync(join(folder, from), join(folder, to));
}

function kept(): Promise<readonly string[]> {
  return world.kept(name);
}

/** Brings in a file that nobody else writes, and waits for it: what is told before is then there too. */
async function fence(sources: Sources, text: string): Promise<readonly string[]> {
  put(text, text);
  await eventually(kept).toContain(`added ${text}`);
  await settled(sources);
  return (await kept()).filter((one) => !one.endsWith(text));
}

test('files that are added, changed, renamed and removed are told', async () => {
  await watching();
  put('a.txt', '1');
  await eventually(kept).toEqual(['added a.txt']);
  put('a.txt', '2');
  await eventually(kept).toHaveLength(2);
  mkdirSync(join(folder, 'sub'));
  move('a.txt', 'sub/b.txt');
  await eventually(kept).toHaveLength(3);
  rmSync(join(folder, 'sub'), { recursive: true });

  await eventually(kept).toEqual(['added a.txt', 'changed a.txt', 'renamed a.txt → sub/b.txt', 'removed sub/b.txt']);
});

test('a burst of writes is one change, with the size and the hash of its end', async () => {
  const changes: FileChange[] = [];
  const map = (change: FileChange): undefined => void changes.push(change);
  const sources = await watching({ map });
  for (let i = 0; i < 50; i += 1) put('burst.txt', 'x'.repeat(i));

  await eventually(() => changes).toHaveLength(1);
  await settled(sources);
  expect(changes).toEqual([
    {
      kind: 'added',
      path: 'burst.txt',
      sizeBytes: 49,
      mtimeMs: expect.any(Number),
      hash: createHash('sha256').update('x'.repeat(49)).digest('hex'),
    },
  ]);
});

test('a save by renaming a new file into place is one change, and what editors leave on their way is nothing', async () => {
  put('doc.md', 'one');
  const sources = await watching();
  await eventually(kept).toEqual(['added doc.md']);

  put('.doc.md.swp', 'swap');
  put('4913', '');
  put('doc.md.tmp', 'two');
  rmSync(join(folder, '4913'));
  move('doc.md', 'doc.md~');
  move('doc.md.tmp', 'doc.md');
  rmSync(join(folder, 'doc.md~'));
  rmSync(join(folder, '.doc.md.swp'));

  expect(await fence(sources, 'end-1')).toEqual(['added doc.md', 'changed doc.md']);
  // Also where the temporary name is none that is known.
  put('saving-1234', 'three');
  move('saving-1234', 'doc.md');
  await eventually(kept).toHaveLength(4);
  expect((await fence(sources, 'end-2')).filter((one) => one !== 'added end-1')).toEqual([
    'added doc.md',
    'changed doc.md',
    'changed doc.md',
  ]);
});

test('a file that is touched, or written with the same bytes, is no change; one that goes back to old bytes is', async () => {
  const sources = await watching();
  put('a', '1');
  await eventually(kept).toEqual(['added a']);
  utimesSync(join(folder, 'a'), new Date(), new Date(1e12));
  put('a', '1');
  expect(await fence(sources, 'end')).toEqual(['added a']);

  put('a', '2');
  await eventually(kept).toHaveLength(3);
  put('a', '1');
  await eventually(kept).toHaveLength(4);
  // The same file, gone and back with the same time.
  move('a', `../outside-${name}`);
  await eventually(kept).toHaveLength(5);
  move(`../outside-${name}`, 'a');

  await eventually(kept).toEqual(['added a', 'added end', 'changed a', 'changed a', 'removed a', 'added a']);
});

test('what is ignored is not told', async () => {
  const sources = await watching({ ignore: ['**/*.log', 'build/**'] });
  put('node_modules/x/y.js', '');
  put('.git/HEAD', '');
  put('deep/er/x.log', '');
  put('build/out.js', '');
  put('deep/er/x.txt', '');
  await eventually(kept).toEqual(['added deep/er/x.txt']);

  expect(await fence(sources, 'end')).toEqual(['added deep/er/x.txt']);
});

test('a restart tells what has changed meanwhile, and nothing that was told', async () => {
  for (const path of ['same', 'changing', 'going', 'moving']) put(path, path);
  const first = await watching();
  await eventually(kept).toHaveLength(4);
  await settled(first);
  await first.stop();
  put('changing', 'changed');
  put('new', 'new');
  rmSync(join(folder, 'going'));
  move('moving', 'moved');

  const second = await watching();

  await eventually(async () => (await kept()).slice(4).toSorted()).toEqual([
    'added new',
    'changed changing',
    'removed going',
    'renamed moving → moved',
  ]);
  expect(second.health()).toMatchObject([{ stored: 4, duplicates: 0 }]);
});

test('what is there before the first start may be passed over, and what comes later is not', async () => {
  put('old', 'old');
  const sources = await watching({ existing: 'skip' });
  put('new', 'new');

  await eventually(kept).toEqual(['added new']);
  await sources.stop();
  put('newer', 'newer');
  await watching({ existing: 'skip' });
  await eventually(kept).toEqual(['added new', 'added newer']);
});

test('two processes that watch one folder tell each change once', async () => {
  const both = await Promise.all([watching(), watching()]);
  const paths = Array.from({ length: 25 }, (_, i) => `p${i}`);
  const allTold = async (changes: number): Promise<void> => {
    await eventually(async () => (await kept()).length).toBe(changes);
    for (const sources of both) await settled(sources);
    expect((await kept()).length).toBe(changes);
  };
  for (const path of paths) put(path, path);
  await allTold(25);
  for (const path of paths) put(path, `${path} again`);
  await allTold(50);
  for (const path of paths) move(path, `${path}-moved`);
  await allTold(75);
  for (const path of paths) rmSync(join(folder, `${path}-moved`));
  await allTold(100);

  const expected = paths.flatMap((path) => [
    `added ${path}`,
    `changed ${path}`,
    `renamed ${path} → ${path}-moved`,
    `removed ${path}-moved`,
  ]);
  expect((await kept()).toSorted()).toEqual(expected.toSorted());
});

test('a change that cannot be mapped is given up as a dead letter, and the others go on', async () => {
  const sources = await watching({
    tries: 1,
    map: (change) => {
      if (change.path === 'poison') throw new Error('no agent for it');
      return { agent: `keeper/${name}`, event: 'keep', data: { text: told(change) } };
    },
  });
  put('poison', '1');
  put('good', '1');

  await eventually(() => sources.health()[0]).toMatchObject({ refused: 1, stored: 1, restarts: 0 });
  const { messages } = await world.client.deadLetters.list({ code: 'SOURCE_REFUSED' });
  const letter = await world.client.deadLetters.get(messages.at(-1)?.id as number);
  expect(letter).toMatchObject({
    payload: { kind: 'added', path: 'poison' },
    message: expect.stringContaining('no agent'),
  });
});

test('a folder that is not there is no folder whose files were all removed', async () => {
  put('a', '1');
  const sources = await watching({ rescanMs: 50 });
  await eventually(kept).toEqual(['added a']);
  renameSync(folder, `${folder}-away`);
  await eventually(() => sources.health()[0]?.error).toMatchObject({ code: 'SOURCE_MISCONFIGURED' });
  renameSync(`${folder}-away`, folder);

  await eventually(() => sources.health()[0]).toMatchObject({ state: 'running', isHealthy: true });
  expect(await fence(sources, 'end')).toEqual(['added a']);
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('1');
});
