import { createActor, toPromise } from 'xstate';
import { expect, test } from 'vitest';
import { type ResourceFactory, ResourcePool, effect } from '../src/mod.ts';

/** What is opened and closed, in order. */
function recorder(): { readonly log: string[]; readonly factory: (name: string) => ResourceFactory<string> } {
  const log: string[] = [];
  return {
    log,
    factory: (name) => ({
      kind: 'handle',
      open: () => {
        log.push(`open ${name}`);
        return name;
      },
      close: (value) => log.push(`close ${value}`),
    }),
  };
}

test('a plain actor opens what its effect asks for, and closes it when it ends', async () => {
  const { log, factory } = recorder();
  const logic = effect({
    run: async ({ resources }) => {
      const file = await resources.open('file', factory('file'));
      expect(await resources.open('file', factory('file'))).toBe(file);
      log.push('done');
      return file;
    },
  });
  await expect(toPromise(createActor(logic).start())).resolves.toBe('file');
  expect(log).toEqual(['open file', 'done', 'close file']);
});

test('what fails to close is told, and does not keep the others from it', async () => {
  const { log, factory } = recorder();
  const errors: unknown[] = [];
  const pool = new ResourcePool((name, thrown) => errors.push([name, String(thrown)]));
  const stuck = (): never => {
    throw new Error('stuck');
  };
  await Promise.all([
    pool.open('a', { ...factory('a'), close: stuck }),
    pool.open('b', factory('b')),
    pool.open('c', { kind: 'connection', open: stuck, close: stuck }).catch(() => {}),
  ]);
  expect([pool.count('handle'), pool.count('connection')]).toEqual([2, 0]);
  await pool.closeAll();
  expect([errors, log, pool.count('handle')]).toEqual([[['a', 'Error: stuck']], ['open a', 'open b', 'close b'], 0]);
});

test('one that is closed because it is broken is opened anew, and closed once', async () => {
  const { log, factory } = recorder();
  const pool = new ResourcePool(() => {});
  await pool.open('line', factory('first'));
  pool.close('line');
  pool.close('line');
  expect(await pool.open('line', factory('second'))).toBe('second');
  await pool.closeAll();
  expect(log.toSorted()).toEqual(['close first', 'close second', 'open first', 'open second']);
});

test('one that is closed while it opens is closed once it is open', async () => {
  const { log, factory } = recorder();
  const pool = new ResourcePool(() => {});
  const gate = Promise.withResolvers<string>();
  const opening = pool.open('slow', { ...factory('slow'), open: () => gate.promise });
  const closed = pool.closeAll();
  expect(pool.count('handle')).toBe(1);
  gate.resolve('slow');
  await Promise.all([opening, closed]);
  expect([log, pool.count('handle')]).toEqual([['close slow'], 0]);
});
