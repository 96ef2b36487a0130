import { expect, test } from 'vitest';
import { Lane } from '../src/lane.ts';

/** Enters, and writes its name down once it is inside. */
function enter(lane: Lane, name: string, inside: string[], alone = false): void {
  const entered = alone ? lane.enterAlone() : lane.enter();
  if (entered === undefined) inside.push(name);
  else void entered.then(() => inside.push(name));
}

/** Lets whoever has been let in write it down. */
async function settle(): Promise<void> {
  await Promise.resolve();
}

test('lets as many in as there is room for, and the others in order', async () => {
  const lane = new Lane(2);
  const inside: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) enter(lane, name, inside);

  expect(inside).toEqual(['a', 'b']);
  lane.leave();
  await settle();
  expect(inside).toEqual(['a', 'b', 'c']);
  lane.leave();
  lane.leave();
  await settle();
  expect(inside).toEqual(['a', 'b', 'c', 'd']);
});

test('lets one in alone when nobody is inside, and nobody in beside it', async () => {
  const lane = new Lane(2);
  const inside: string[] = [];
  enter(lane, 'a', inside);
  enter(lane, 'alone', inside, true);
  enter(lane, 'b', inside);
  enter(lane, 'c', inside);

  expect(inside).toEqual(['a']);
  lane.leave();
  await settle();
  expect(inside).toEqual(['a', 'alone']);
  lane.leave();
  await settle();
  expect(inside).toEqual(['a', 'alone', 'b', 'c']);
});

test('lets the next one in after one that was alone', async () => {
  const lane = new Lane(2);
  const inside: string[] = [];
  enter(lane, 'first', inside, true);
  enter(lane, 'second', inside, true);

  expect(inside).toEqual(['first']);
  lane.leave();
  await settle();
  expect(inside).toEqual(['first', 'second']);
  lane.leave();
  enter(lane, 'c', inside);
  expect(inside).toEqual(['first', 'second', 'c']);
});

test('gives the room of one who waits elsewhere to the next, and takes it in again when there is room', async () => {
  const lane = new Lane(1);
  const inside: string[] = [];
  const { promise: answer, resolve } = Promise.withResolvers<string>();
  const first = lane.pass(async () => {
    inside.push(await lane.outside(() => answer));
  });
  await settle();
  enter(lane, 'next', inside);
  expect(inside).toEqual(['next']);

  resolve('first');
  await settle();
  expect(inside).toEqual(['next']);
  lane.leave();
  await first;

  expect(inside).toEqual(['next', 'first']);
  enter(lane, 'last', inside);
  expect(inside).toEqual(['next', 'first', 'last']);
});
