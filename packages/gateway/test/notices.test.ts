/** Notices by a clock that moves when it is told to: shown late, again, and taken away. */
import type { Channel, ChannelAddress } from '@wakebus/channels';
import { beforeEach, expect, test } from 'vitest';
import { HandClock } from '../../channels/test/fakes/hand-clock.ts';
import { Notices } from '../src/webhooks/notices.ts';

const to: ChannelAddress = { kind: 'telegram', channel: 'chat', data: { chatId: 77 } };

let clock: HandClock;
let ended: AbortController;
let told: string[];
let isTaken: boolean;
let notices: Notices;

beforeEach(() => {
  clock = new HandClock();
  ended = new AbortController();
  told = [];
  isTaken = false;
  notices = new Notices({
    clock,
    signal: ended.signal,
    onFault: (error) => void told.push(`fault: ${String(error)}`),
  });
});

function channelOf(notify: Channel['notify']): Channel {
  const never = (): Promise<never> => Promise.reject(new Error('not asked'));
  return { kind: 'telegram', textLimit: 1, send: never, find: never, check: never, notify };
}

const typing = channelOf(async () => {
  told.push(`shown ${clock.now}`);
  return {
    againMs: 4_500,
    clear: async () => void told.push(`cleared ${clock.now}`),
  };
});

function watch(channel: Channel = typing): void {
  notices.watch({ channel, to, isTaken: () => Promise.resolve(isTaken) });
}

test('an agent that has taken the event within 700 ms is not spoken of', async () => {
  watch();
  await clock.advance(699);
  isTaken = true;
  await clock.advance(300_000);

  expect(told).toEqual([]);
});

test('one that takes longer is, as long as it takes, and no longer', async () => {
  watch();
  await clock.advance(10_000);
  isTaken = true;
  await clock.advance(300_000);

  expect(told).toEqual(['shown 700', 'shown 5200', 'shown 9700', 'cleared 10200']);
});

test('one that cannot run is given up after two minutes', async () => {
  watch(channelOf(async () => ({ clear: async () => void told.push(`cleared ${clock.now}`) })));
  await clock.advance(300_000);

  expect(told).toEqual(['cleared 120200']);
});

test('a place that has no means for it is asked once', async () => {
  let looks = 0;
  const channel = channelOf(() => {
    told.push('asked');
    return Promise.resolve(undefined);
  });
  notices.watch({ channel, to, isTaken: () => Promise.resolve((looks += 1) < 0) });
  await clock.advance(60_000);

  expect([told, looks]).toEqual([['asked'], 1]);
});

test('a service that refuses is told of, and is the end of it', async () => {
  watch(channelOf(() => Promise.reject(new Error('no scope'))));
  await clock.advance(300_000);

  expect(told).toEqual(['fault: Error: no scope']);
});

test('no more than five hundred are watched at a time, and as many again afterwards', async () => {
  for (let i = 0; i < 600; i += 1) watch();
  await clock.advance(700);
  expect(told).toHaveLength(500);
  isTaken = true;
  await clock.advance(1_000);
  isTaken = false;
  told.length = 0;
  watch();
  await clock.advance(700);

  expect(told).toHaveLength(1);
});
