import { agentKey } from '@wakebus/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Inbound, type Turn, setOldOutputsAside } from '../../src/mod.ts';
import { Scene, acted, answers, notebook } from './scene.ts';

const HOUR_MS = 3_600_000;

describe('messages to other agents', () => {
  test('are named by input sequence and index, and numbered per receiver', () => {
    const scene = new Scene();

    const turn = scene.take([
      scene.event('send', { to: 'reader/1', word: 'a' }),
      scene.event('send', { to: 'reader/2', word: 'b' }),
      scene.event('send', { to: 'reader/1', word: 'c' }),
    ]);

    expect(turn.outbox.map(({ id, to, number, previous }) => [id, to, number, previous])).toEqual([
      ['1.0', 'reader.1', 1, 0],
      ['2.0', 'reader.2', 1, 0],
      ['3.0', 'reader.1', 2, 1],
    ]);
    expect([scene.record.outbox, scene.record.settled]).toEqual([turn.outbox, false]);
  });

  test('start their chain anew after a silence of the horizon, and go on numbering', () => {
    const scene = new Scene(notebook({ dedupe: { horizonMs: HOUR_MS } }));
    const send = (): Turn => scene.take([scene.event('send', { to: 'reader/1', word: 'a' })]);
    send();
    scene.nowMs += HOUR_MS - 1;
    const within = send();
    scene.nowMs += HOUR_MS;

    const after = send();

    expect([within, after].map(({ outbox }) => [outbox[0]?.number, outbox[0]?.previous])).toEqual([
      [2, 1],
      [3, 0],
    ]);
  });

  test('that could not be sent within the horizon are set aside, and those behind them wait for nothing', () => {
    const scene = new Scene();
    const send = (to: string): Turn => scene.take([scene.event('send', { to, word: 'a' })]);
    send('reader/1');
    send('reader/2');
    scene.nowMs += HOUR_MS;
    send('reader/1');
    send('reader/1');

    const record = setOldOutputsAside(scene.record, scene.nowMs + 1, HOUR_MS);

    expect(record.maybe.map(({ to, number }) => [to, number])).toEqual([
      ['reader.1', 1],
      ['reader.2', 1],
    ]);
    expect(record.outbox.map(({ to, number, previous }) => [to, number, previous])).toEqual([
      ['reader.1', 2, 0],
      ['reader.1', 3, 2],
    ]);
    expect(setOldOutputsAside(record, scene.nowMs + 1, HOUR_MS)).toBe(record);
  });

  test('to an address that is none fail the event and nothing else', () => {
    const scene = new Scene();

    const turn = scene.take([scene.note('a'), scene.event('send', { to: 'nowhere', word: 'b' })]);

    expect(turn.failure?.error.code).toBe('INVALID_ADDRESS');
    expect([scene.words, turn.outbox]).toEqual([['a'], []]);
  });

  test('larger than an inbox takes fail the event that sends them', () => {
    const scene = new Scene();

    const turn = scene.take([scene.event('send', { to: 'reader/1', word: 'x'.repeat(300 * 1024) })]);

    expect(turn.failure?.error.code).toBe('EVENT_TOO_LARGE');
    expect(turn.outbox).toEqual([]);
  });
});

describe('answers', () => {
  test('come from `reply`, else from the fact that the event was taken', () => {
    const scene = new Scene();

    const turn = scene.take([
      scene.event('note', { word: 'a' }, { to: '_INBOX.1' }),
      scene.event('tell', {}, { to: '_INBOX.2' }),
      scene.event('decline', {}, { to: '_INBOX.3' }),
      scene.event('open', {}, { to: '_INBOX.4' }),
    ]);

    expect(answers(turn)).toMatchObject([
      ['_INBOX.1', { ok: true }],
      ['_INBOX.2', { ok: true, value: ['a'] }],
      [
        '_INBOX.3',
        { ok: false, error: { code: 'AGENT_REFUSED', facts: { reason: 'it is Sunday', detail: { open: 'Monday' } } } },
      ],
      [
        '_INBOX.4',
        { ok: false, error: { code: 'AGENT_REFUSED', facts: { reason: expect.stringContaining('"open"') as string } } },
      ],
    ]);
  });

  test('are given again, from the record, to whoever asks again under the same ID', () => {
    const scene = new Scene();
    const call = scene.event('tell', {}, { id: 'call-1', to: '_INBOX.first' });
    scene.take([call, scene.note('a')]);
    scene.rehydrate();

    const again = scene.take([{ ...scene.again(call), reply: { subject: '_INBOX.second', deadlineMs: scene.nowMs } }]);

    expect(answers(again)).toEqual([['_INBOX.second', { ok: true, value: [] }]]);
  });

  test('within one turn are given to the first and to the second asker', () => {
    const scene = new Scene();
    const call = scene.event('tell', {}, { id: 'call-1', to: '_INBOX.1' });

    const turn = scene.take([call, { ...scene.again(call), reply: { subject: '_INBOX.2', deadlineMs: scene.nowMs } }]);

    expect(answers(turn).map(([subject]) => subject)).toEqual(['_INBOX.1', '_INBOX.2']);
  });

  test('are kept until a minute after their deadline, 32 of them, none over 4 KB', () => {
    const scene = new Scene();
    for (let i = 0; i < 40; i += 1) scene.take([scene.event('tell', {}, { id: `call-${i}`, to: '_INBOX.x' })]);
    expect(scene.record.replies.map(({ id }) => id)).toEqual(Array.from({ length: 32 }, (_, i) => `call-${i + 8}`));

    scene.nowMs += 61_001;
    scene.take([scene.note('y'.repeat(5_000)), scene.event('tell', {}, { id: 'large', to: '_INBOX.x' })]);

    expect(scene.record.replies).toEqual([]);
  });

  test('over 256 KB are replaced by an error that says so', () => {
    const scene = new Scene();

    const turn = scene.take([scene.note('z'.repeat(300_000)), scene.event('tell', {}, { to: '_INBOX.x' })]);

    expect(answers(turn)).toMatchObject([['_INBOX.x', { ok: false, error: { code: 'EVENT_TOO_LARGE' } }]]);
    expect(turn.failure).toBeUndefined();
  });

  test('that are not kept any more are said to be expired', () => {
    const scene = new Scene();
    const call = scene.event('tell', {}, { id: 'call-1', to: '_INBOX.x' });
    scene.take([call]);
    for (let i = 0; i < 32; i += 1) scene.take([scene.event('tell', {}, { id: `call-2${i}`, to: '_INBOX.y' })]);

    const turn = scene.take([scene.again(call)]);

    expect(answers(turn)).toMatchObject([['_INBOX.x', { ok: false, error: { code: 'REPLY_EXPIRED' } }]]);
  });
});

describe('what a turn owes', () => {
  test('is nothing where nothing leaves the agent', () => {
    const scene = new Scene();

    scene.take([scene.note('a'), scene.event('shout')]);

    expect(scene.record.settled).toBe(true);
  });

  test('are emits and custom actions, which nobody has run yet', () => {
    const scene = new Scene();

    const turn = scene.take([scene.event('shout'), scene.event('act'), scene.event('rest')]);

    expect([turn.emits, acted, turn.sleep]).toEqual([[{ type: 'shouted' }], [], true]);
    for (const run of turn.actions) run();
    expect(acted).toEqual(['acted']);
  });
});

/** Everything that leaves an agent, in order. */
function outputsOf(turns: readonly Turn[]): unknown {
  return {
    outbox: turns.flatMap(({ outbox }) => outbox.map(({ atMs: _at, ...entry }) => entry)),
    armed: turns.flatMap(({ armed }) => armed.map(({ id, generation }) => [id, generation])),
    replies: turns.flatMap((turn) => answers(turn)),
    deadLetters: turns.flatMap(({ deadLetters }) => deadLetters.map(({ code, inbound }) => [code, inbound.seq])),
    history: turns.flatMap(({ history }) => history),
  };
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('note' as const),
    word: fc.constantFrom('a', 'b'),
    id: fc.option(fc.nat(3), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('send' as const), to: fc.constantFrom('reader/1', 'reader/2') }),
  fc.record({ kind: fc.constant('message' as const), number: fc.integer({ min: 1, max: 5 }) }),
  fc.constantFrom({ kind: 'boom' as const }, { kind: 'tell' as const }, { kind: 'nonsense' as const }),
);

function inboundsOf(
  scene: Scene,
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
): Inbound[] {
  return steps.map((each) => {
    if (each.kind === 'note') return scene.note(each.word, each.id === undefined ? undefined : `id-${each.id}`);
    if (each.kind === 'send') return scene.event('send', { to: each.to, word: 'x' });
    if (each.kind !== 'message') return scene.event(each.kind, {}, { to: '_INBOX.x' });
    return scene.message(agentKey('writer', 'ada'), each.number, each.number - 1, {
      type: 'note',
      word: `m${each.number}`,
    });
  });
}

test('however the same events are cut into turns, the same leaves the agent under the same names', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
      (steps, cuts) => {
        const whole = new Scene();
        const cut = new Scene();
        const wholeTurns = whole.takeAll(inboundsOf(whole, steps));
        const inbounds = inboundsOf(cut, steps);
        const cutTurns: Turn[] = [];
        for (let done = 0, round = 0; done < inbounds.length; round += 1) {
          const maxEvents = cuts[round % cuts.length] as number;
          const turn = cut.take(inbounds.slice(done), { maxEvents });
          if (round % 3 === 0) cut.rehydrate();
          cutTurns.push(turn);
          done += turn.consumed;
        }

        expect(outputsOf(cutTurns)).toEqual(outputsOf(wholeTurns));
        expect(cut.words).toEqual(whole.words);
        expect(cut.record.cursor).toBe(whole.record.cursor);
      },
    ),
    { numRuns: 300 },
  );
});
