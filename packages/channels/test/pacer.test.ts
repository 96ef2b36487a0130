/** Turns of many messages at once, by a clock that moves when it is told to. */
import { expect, test } from 'vitest';
import { Busy } from '../src/channel.ts';
import { Pacer, systemClock } from '../src/pacer.ts';
import { HandClock } from './fakes/hand-clock.ts';

const signal = new AbortController().signal;

test('messages to one place keep their distance and their order; those to another do not wait for them', async () => {
  const clock = new HandClock();
  const pacer = new Pacer('telegram', 10, clock);
  const sent: string[] = [];
  const send = (place: string, text: string): Promise<void> =>
    pacer.send(place, 1_000, signal, async () => void sent.push(`${text} ${clock.now}`));

  const all = [send('a', 'a1'), send('a', 'a2'), send('a', 'a3'), send('b', 'b1')];
  await clock.advance(5_000);
  await Promise.all(all);

  expect(sent).toEqual(['a1 0', 'b1 30', 'a2 1000', 'a3 2000']);
});

test('what one is told to wait all wait, of the place or of the account', async () => {
  const clock = new HandClock();
  const pacer = new Pacer('telegram', 0, clock);
  const sent: string[] = [];
  const busy = [new Busy(5_000, false), new Busy(7_000, true)];
  const send = (place: string): Promise<void> =>
    pacer.send(place, 0, signal, async () => {
      const error = busy.pop();
      if (error !== undefined) throw error;
      sent.push(`${place} ${clock.now}`);
    });

  const first = send('a');
  await clock.advance(0);
  const second = send('b');
  await clock.advance(20_000);
  await Promise.all([first, second]);

  // `a` was told 7 s for the account, and then one of them 5 s for its place.
  expect(sent.toSorted()).toEqual(['a 12000', 'b 7000']);
});

test('who would wait for more than a minute is sent away, and keeps nobody else waiting', async () => {
  const clock = new HandClock();
  const pacer = new Pacer('telegram', 0, clock);
  pacer.hold('a', 61_000);

  await expect(pacer.send('a', 0, signal, async () => 1)).rejects.toMatchObject({ code: 'CHANNEL_BUSY' });
  expect(await pacer.send('b', 0, signal, async () => 2)).toBe(2);
});

test('a sleep of this machine ends when its signal does', async () => {
  const ends = new AbortController();
  const sleeping = systemClock.sleep(1_000_000, ends.signal);
  ends.abort(new Error('enough'));

  await expect(sleeping).rejects.toThrow('enough');
  await expect(systemClock.sleep(1_000_000, ends.signal)).rejects.toThrow('enough');
  await systemClock.sleep(1, signal);
});
