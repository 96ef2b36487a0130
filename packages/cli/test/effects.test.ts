/** Effects as an operator sees them. */
import type { Client } from '@wakebus/client';
import { defineAgent, effect } from '@wakebus/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { eventually } from './eventually.ts';
import { type Place, startPlace } from './place.ts';

/** A letter that never arrives, and cannot be called back. */
const post = effect({ run: () => new Promise<string>(() => {}), irreversible: true, timeoutMs: 50 });

const machine = setup({ types: { context: {} as { told: unknown } }, actors: { post } }).createMachine({
  context: { told: undefined },
  initial: 'idle',
  on: { write: '.posting' },
  states: {
    idle: {},
    posting: {
      invoke: {
        id: 'letter',
        src: 'post',
        onDone: { target: 'idle', actions: assign({ told: ({ event }) => event.output }) },
        onError: { target: 'idle', actions: assign({ told: ({ event }) => (event.error as Error).message }) },
      },
    },
  },
});

const writer = defineAgent({ type: 'writer', machine });

let place: Place;
let client: Client;

beforeAll(async () => {
  place = await startPlace();
  ({ client } = await place.serve(writer));
});

afterAll(() => place[Symbol.asyncDispose]());

const run: Place['run'] = (...argv) => place.run(...argv);

/** Has a letter written, and waits until nobody knows what became of it. */
async function lose(id: string): Promise<void> {
  expect((await run('send', `writer/${id}`, 'write')).code).toBe(0);
  const listed = async (): Promise<string> =>
    (await run('effects', 'list', '--type', 'writer', '--state', 'maybe', '--json')).io.stdout;
  await eventually(listed).toContain(`writer/${id}`);
}

async function toldTo(id: string): Promise<unknown> {
  return (await client.inspect(writer, id))?.context.told;
}

test('what nobody knows is listed with its key, and shown by inspect', async () => {
  await lose('ada');
  const { code, io } = await run('effects', 'list', '--json');

  expect(code).toBe(0);
  expect(io.json().filter((row) => (row as { agent: string }).agent === 'writer/ada')).toMatchObject([
    { v: 1, kind: 'effect', id: 'letter', src: 'post', state: 'maybe', attempt: 1, key: 'writer.ada~1@1.0' },
  ]);
  expect((await run('effects', 'list')).io.stdout).toMatch(/writer\/ada\s+letter \(post\)\s+maybe\s+1/);
  expect((await run('inspect', 'writer/ada')).io.stdout).toMatch(
    /effect +letter maybe, 1 attempt, key writer\.ada~1@1\.0: it did not end within 50 ms/,
  );
  expect((await run('effects', 'list', '--state', 'planned')).io.stderr).toBe('0 effects\n');
});

test('doctor names who waits for an operator, and how to say it', async () => {
  await lose('dan');
  const { io } = await run('doctor');
  expect(io.stdout + io.stderr).toMatch(
    /writer\/dan waits for an operator.*wakebus effects resolve writer\/dan letter/,
  );
});

test('an operator says how it ended', async () => {
  await lose('bob');
  expect((await run('effects', 'resolve', 'writer/bob', 'letter', 'done', '{"stamp":1}')).code).toBe(0);
  expect(await toldTo('bob')).toEqual({ stamp: 1 });

  await lose('bob');
  expect((await run('effects', 'resolve', 'writer/bob', 'letter', 'failed', '"it came back"')).code).toBe(0);
  expect(await toldTo('bob')).toMatch(/failed: it came back/);
});

test('what cannot be resolved says why, by its exit code too', async () => {
  await lose('cid');
  const cases: ReadonlyArray<readonly [readonly string[], number, string]> = [
    [['writer/cid', 'parcel', 'done'], 3, 'EFFECT_NOT_FOUND'],
    [['writer/nobody', 'letter', 'done'], 3, 'AGENT_NOT_FOUND'],
    [['writer/cid', 'letter', 'lost'], 7, 'INVALID_OPTION'],
    [['writer/cid', 'letter', 'done', '{'], 7, 'INVALID_PAYLOAD'],
  ];
  for (const [argv, expected, named] of cases) {
    const { code, io } = await run('effects', 'resolve', ...argv);
    expect([code, io.stderr]).toEqual([expected, expect.stringContaining(named)]);
  }
});

test('an operator keeps effects from starting, sees what waits, and lets it go on', async () => {
  expect((await run('effects', 'disable', 'writer/post', '--reason', 'strike')).io.stderr).toMatch(/disabled/);
  await eventually(async () => {
    await run('send', 'writer/eve', 'write');
    return (await run('effects', 'list', '--json')).io.json();
  }).toContainEqual(expect.objectContaining({ agent: 'writer/eve', state: 'planned', parkedBy: 'disabled' }));
  expect((await run('effects', 'list')).io.stdout).toMatch(/writer\/eve\s+letter \(post\)\s+planned, disabled/);
  expect((await run('doctor')).io.stderr).toMatch(/"writer\/post" are disabled.*strike.*effects enable writer\/post/);

  expect((await run('effects', 'enable', 'writer/post')).io.stderr).toMatch(/: enabled/);
  expect((await run('effects', 'enable', 'writer/post')).io.stderr).toMatch(/was not disabled/);
  await eventually(async () => (await run('effects', 'list', '--state', 'maybe', '--json')).io.stdout).toContain(
    'writer/eve',
  );
  expect((await run('doctor')).io.stderr).not.toMatch(/are disabled/);
  expect((await run('audit', 'list', '--json')).io.json()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ action: 'disable', target: 'writer/post', outcome: 'done', reason: 'strike' }),
      expect.objectContaining({ action: 'enable', target: 'writer/post', outcome: 'done' }),
    ]),
  );
});

test('either a target is switched, or a type', async () => {
  for (const argv of [['disable'], ['enable', 'x', '--type', 'writer'], ['disable', '--type', 'no type']])
    expect((await run('effects', ...argv)).code).toBe(7);
});
