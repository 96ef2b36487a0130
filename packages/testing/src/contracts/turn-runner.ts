/**
 * The contract of {@link TurnRunner}: the same turns as anywhere, and an end to those that have none.
 */
import {
  type AgentMemory,
  type MailboxMessage,
  type TurnJob,
  type TurnResult,
  newbornMemory,
  packJob,
  packedMemory,
  unpackResult,
} from '@wakebus/core';
import type { TurnRun, TurnRunner } from '@wakebus/placement-node';
import { type Layout, agentKey, decode, encode } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { type MakeFixture, over, until } from './fixture.ts';
import { unruly } from './unruly-agent.ts';

const KEY = agentKey('unruly', 'one');
const ENV = { nowMs: 1_000_000, nodeId: 'node-a', epoch: 1 };

/** Declares the suite for one adapter. */
export function turnRunnerContract(adapter: string, makeFixture: MakeFixture): void {
  describe(`${adapter}: a turn taken apart`, () => {
    takes(makeFixture);
    fails(makeFixture);
    refuses(makeFixture);
  });
  describe(`${adapter}: a turn that has no end`, () => {
    stops(makeFixture);
  });
  describe(`${adapter}: custom actions`, () => {
    acts(makeFixture);
  });
}

function takes(makeFixture: MakeFixture): void {
  test(
    'gives what a turn gives: a record with its state, answers, messages, timers, emits',
    withScene(makeFixture, async (scene) => {
      const messages = [
        scene.event('note', { word: new Date(5) }, true),
        scene.event('pass', { to: 'reader/1' }),
        scene.event('shout'),
        scene.event('wait'),
      ];

      const { turn } = await scene.taken(messages);

      expect(turn.consumed).toBe(4);
      expect(turn.replies.map(({ subject, body }) => [subject, decode(body)])).toEqual([
        ['_INBOX.x', { ok: true, value: 1 }],
      ]);
      expect(turn.outbox).toMatchObject([{ to: 'reader.1', id: '2.0', event: { type: 'note', word: 'passed' } }]);
      expect(turn.memory.record.outbox).toEqual(turn.outbox);
      expect(turn.armed).toMatchObject([{ dueMs: ENV.nowMs + 1000 }]);
      expect(turn.emits).toEqual([{ type: 'shouted' }]);
      expect(turn.history.map(({ type }) => type)).toEqual(['note', 'pass', 'shout', 'wait']);
      expect(turn.memory.record).toMatchObject({ cursor: 4, machineVersion: 2, last: { state: 'waiting' } });
      expect(turn.memory.snapshot).toBeUndefined();
      expect(decode(turn.memory.record.snapshot)).toMatchObject({ context: { words: [new Date(5)] } });
    }),
  );

  test(
    'goes on where the turn before it stopped, and knows what was processed',
    withScene(makeFixture, async (scene) => {
      const first = scene.event('note', { word: 'a' }, false, 'note-1');
      await scene.commit([first]);
      await scene.commit([{ ...scene.event('note', { word: 'a' }), headers: first.headers }]);

      const { turn } = await scene.taken([scene.event('tell', {}, true)]);

      expect(decode(turn.replies[0]?.body as Uint8Array)).toEqual({ ok: true, value: ['a'] });
    }),
  );

  test(
    'is one of several that are asked for at once',
    withScene(makeFixture, async (scene) => {
      const jobs = Array.from({ length: 20 }, (_, i) => scene.taken([scene.event('note', { word: i })]));
      const cursors = (await Promise.all(jobs)).map(({ turn }) => turn.memory.record.cursor);
      expect(cursors).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    }),
  );
}

function fails(makeFixture: MakeFixture): void {
  test(
    'counts an event on which the machine throws, and keeps what came before it',
    withScene(makeFixture, async (scene) => {
      const { turn } = await scene.taken([scene.event('note', { word: 'a' }), scene.event('burst')]);
      expect([turn.consumed, turn.failure?.count, turn.memory.record.attempt?.seq]).toEqual([1, 1, 2]);
      expect(turn.failure?.error).toMatchObject({ code: 'TURN_FAILED', facts: { event: 'burst' } });
    }),
  );

  test(
    'gives up an event that cannot be read, with the error and the message itself',
    withScene(makeFixture, async (scene) => {
      const { turn } = await scene.taken([{ ...scene.event('note'), data: new Uint8Array([0xc1]) }]);
      expect(turn.deadLetters).toMatchObject([{ code: 'INVALID_PAYLOAD', inbound: { kind: 'invalid', seq: 1 } }]);
    }),
  );
}

function refuses(makeFixture: MakeFixture): void {
  test(
    'of which the state cannot be stored says so, with the number of its events',
    withScene(makeFixture, async (scene) => {
      const result = await scene.result([scene.event('note', { word: 1 }), scene.event('unstorable')]);
      expect(result).toMatchObject({ kind: 'unfit', events: 2, error: { code: 'VALUE_NOT_DURABLE' } });
    }),
  );

  test(
    'of which the state has no home in this version says so, and blames no message',
    withScene(makeFixture, async (scene) => {
      scene.memory = scene.storedAs({ value: 'gone', context: { words: [] }, status: 'active' }, 2);
      const result = await scene.result([scene.event('note', { word: 1 })]);
      expect(result).toMatchObject({ kind: 'homeless', error: { code: 'SNAPSHOT_HOMELESS' } });
    }),
  );
}

function stops(makeFixture: MakeFixture): void {
  test(
    'is stopped, with the sequence of the message that it was in, and the next turn is like any other',
    withScene(makeFixture, async (scene) => {
      const run = await scene.run([scene.event('note', { word: 'a' }), scene.event('spin'), scene.event('note')]);
      expect(run).toMatchObject({ kind: 'stopped', seq: 2, why: expect.any(String) as string });

      const { turn } = await scene.taken([scene.event('note', { word: 'b' })]);
      expect(turn.consumed).toBe(1);
    }),
  );

  test(
    'names a message that had been kept back when that is the one',
    withScene(makeFixture, async (scene) => {
      await scene.commit([scene.message(2, 1, { type: 'spin' })]);
      const run = await scene.run([scene.message(1, 0, { type: 'note', word: 'first' })]);
      expect(run).toMatchObject({ kind: 'stopped', seq: 1 });
    }),
  );

  test(
    'leaves those that wait for theirs untouched',
    withScene(makeFixture, async (scene) => {
      const runs = await Promise.all([
        scene.run([scene.event('spin')]),
        scene.run([scene.event('note', { word: 1 })]),
        scene.run([scene.event('spin')]),
        scene.run([scene.event('note', { word: 2 })]),
      ]);
      expect(runs.map(({ kind }) => kind)).toEqual(['stopped', 'taken', 'stopped', 'taken']);
    }),
  );

  test(
    'in a migration blames no message',
    withScene(makeFixture, async (scene) => {
      scene.memory = scene.storedAs({ value: 'open', context: { words: ['spin'] }, status: 'active' }, 1);
      const run = await scene.run([scene.event('note', { word: 1 })]);
      expect(run).toMatchObject({ kind: 'stopped', seq: undefined });
    }),
  );
}

function acts(makeFixture: MakeFixture): void {
  test(
    'run when the turn is committed, and not before',
    withScene(makeFixture, async (scene, fixture) => {
      const before = await actedIn(scene);
      const run = await scene.run([scene.event('act')]);
      const other = await scene.run([scene.event('act')]);
      expect([run.kind, other.kind, await actedIn(scene)]).toEqual(['taken', 'taken', before]);

      if (run.kind === 'taken') run.act();

      await until(fixture, 'it has acted', async () => (await actedIn(scene)) === before + 1);
    }),
  );
}

/** How often actions have been run, wherever turns are. */
async function actedIn(scene: Scene): Promise<number> {
  const { turn } = await scene.taken([scene.event('acted', {}, true)]);
  return (decode(turn.replies[0]?.body as Uint8Array) as { value: number }).value;
}

/** A runner, and the mailbox of one agent. */
class Scene {
  readonly #runner: TurnRunner;
  readonly #layout: Layout;
  memory: AgentMemory = newbornMemory(KEY, unruly, { inbox: 'inbox-1', incarnation: 1, nowMs: ENV.nowMs });
  #seq = 0;

  constructor(runner: TurnRunner, layout: Layout) {
    this.#runner = runner;
    this.#layout = layout;
  }

  event(name: string, fields: object = {}, isCall: boolean = false, id?: string): MailboxMessage {
    return this.#stored(`e.${name}`, encode(fields), {
      'Content-Type': 'application/msgpack',
      ...(isCall && { 'Wakebus-Reply': '_INBOX.x' }),
      ...(id !== undefined && { 'Nats-Msg-Id': `${KEY}:${id}` }),
    });
  }

  /** A message of another agent, by its number and the one before it. */
  message(number: number, previous: number, event: { type: string; word?: string }): MailboxMessage {
    const fields = { previousMs: ENV.nowMs, atMs: ENV.nowMs, id: `${number}.0`, event };
    return this.#stored('s.message', encode({ v: 1, sender: 'writer.a', incarnation: 1, number, previous, ...fields }));
  }

  /** The agent with a state that was stored by some version of it. */
  storedAs(stored: object, version: number): AgentMemory {
    const record = { ...this.memory.record, snapshot: encode(stored), machineVersion: version };
    return packedMemory(KEY, unruly, record, new Map());
  }

  run(messages: readonly MailboxMessage[]): Promise<TurnRun> {
    return this.#runner.take(packJob(this.#job(messages)));
  }

  async result(messages: readonly MailboxMessage[]): Promise<TurnResult> {
    const { memory } = this;
    const run = await this.run(messages);
    if (run.kind !== 'taken') throw new Error(`the turn was stopped: ${run.why}`);
    return unpackResult(memory, run.result);
  }

  async taken(messages: readonly MailboxMessage[]): Promise<Extract<TurnResult, { kind: 'taken' }>> {
    const result = await this.result(messages);
    if (result.kind !== 'taken') throw result.error;
    return result;
  }

  /** Takes a turn, and goes on from there. */
  async commit(messages: readonly MailboxMessage[]): Promise<void> {
    this.memory = (await this.taken(messages)).turn.memory;
  }

  #job(messages: readonly MailboxMessage[]): TurnJob {
    return { memory: this.memory, messages, env: ENV, maxEvents: 256, turnMs: 10_000, jitter: 0, poison: new Map() };
  }

  #stored(end: string, data: Uint8Array, headers: MailboxMessage['headers'] = {}): MailboxMessage {
    this.#seq += 1;
    const subject = this.#layout.mailboxFilter(KEY).replace('>', end);
    return { seq: this.#seq, subject, headers, data, storedMs: ENV.nowMs };
  }
}

type Fixture = Awaited<ReturnType<MakeFixture>>;

function withScene(
  makeFixture: MakeFixture,
  run: (scene: Scene, fixture: Fixture) => Promise<void>,
): () => Promise<void> {
  return over(makeFixture, async (fixture) => {
    const { layout, turnRunners } = fixture.ports;
    const runner = await turnRunners.open(unruly, layout, () => {});
    try {
      await run(new Scene(runner, layout), fixture);
    } finally {
      runner.close();
    }
  });
}
