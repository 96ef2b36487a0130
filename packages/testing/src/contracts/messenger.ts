/**
 * The contract of {@link Messenger}.
 */
import type { PlainMessage } from '@wakebus/placement-node';
import { describe, expect, test } from 'vitest';
import { type MakeFixture, bytes, over, text, until } from './fixture.ts';

/** Declares the suite for one adapter. */
export function messengerContract(adapter: string, makeFixture: MakeFixture): void {
  describe(`${adapter}: a messenger`, () => {
    publishes(makeFixture);
    requests(makeFixture);
  });
}

function publishes(makeFixture: MakeFixture): void {
  test(
    'carries a message to everyone who listens, and to nobody else',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const other = await fixture.another();
      const heard: string[] = [];
      const listen =
        (name: string) =>
        (message: PlainMessage): void =>
          void heard.push(`${name} ${message.subject} ${text(message.data)} ${message.headers['note'] ?? ''}`);
      ports.messenger.subscribe('scene.one', listen('a'));
      other.messenger.subscribe('scene.*', listen('b'));
      other.messenger.subscribe('scene.two', listen('c'));
      await until(fixture, 'both have heard it', () => {
        if (heard.length < 2) ports.messenger.publish('scene.one', bytes('hi'), { note: 'x' });
        return new Set(heard).size === 2;
      });
      expect(new Set(heard)).toEqual(new Set(['a scene.one hi x', 'b scene.one hi x']));
    }),
  );

  test(
    'carries nothing to a listener that has stopped',
    over(makeFixture, async (fixture) => {
      const { messenger } = fixture.ports;
      const heard: string[] = [];
      messenger.subscribe('scene', () => void heard.push('stopped')).stop();
      messenger.subscribe('scene', () => void heard.push('going'));
      messenger.publish('scene', bytes(''));
      await until(fixture, 'it was heard', () => heard.length > 0);
      expect(heard).toEqual(['going']);
    }),
  );

  test(
    'keeps the order of one sender',
    over(makeFixture, async (fixture) => {
      const { messenger } = fixture.ports;
      const heard: number[] = [];
      messenger.subscribe('scene', ({ data }) => void heard.push(data[0] as number));
      for (let i = 0; i < 100; i += 1) messenger.publish('scene', Uint8Array.of(i));
      await until(fixture, 'all were heard', () => heard.length === 100);
      expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => i));
    }),
  );
}

function requests(makeFixture: MakeFixture): void {
  test(
    'brings back the answer',
    over(makeFixture, async (fixture) => {
      const other = await fixture.another();
      other.messenger.subscribe('ask', (message) => message.respond(bytes(`${text(message.data)} too`)));
      let answer: Uint8Array | undefined;
      await until(fixture, 'it is answered', async () => {
        answer = await fixture.ports.messenger.request('ask', bytes('me'), 5_000);
        return answer !== undefined;
      });
      expect(text(answer)).toBe('me too');
    }),
  );

  test(
    'says at once when nobody listens',
    over(makeFixture, async ({ ports: { messenger, clock } }) => {
      const sinceMs = clock.monotonicMs();
      expect(await messenger.request('nobody', bytes(''), 10_000)).toBeUndefined();
      expect(clock.monotonicMs() - sinceMs).toBeLessThan(2_000);
    }),
  );

  test(
    'gives up when whoever listens does not answer in time',
    over(makeFixture, async (fixture) => {
      const { messenger, clock } = fixture.ports;
      messenger.subscribe('silent', () => {});
      const sinceMs = clock.monotonicMs();
      let answered = false;
      const request = messenger.request('silent', bytes(''), 300).then((answer) => {
        answered = true;
        return answer;
      });
      await until(fixture, 'it has given up', () => answered);
      expect(await request).toBeUndefined();
      expect(clock.monotonicMs() - sinceMs).toBeGreaterThanOrEqual(300);
    }),
  );

  test(
    'an answer to a message that wants none goes nowhere',
    over(makeFixture, async (fixture) => {
      const { messenger } = fixture.ports;
      let heard = false;
      messenger.subscribe('tell', (message) => {
        message.respond(bytes('unasked'));
        heard = true;
      });
      messenger.publish('tell', bytes(''));
      await until(fixture, 'it was heard', () => heard);
    }),
  );
}
