import { createMachine, fromPromise } from 'xstate';
import { describe, expect, test } from 'vitest';
import { type StoredSnapshot, defineAgent } from '../src/mod.ts';
import { failing } from './failing.ts';

const machine = createMachine({});
const define = (options: object): unknown => defineAgent({ type: 'order', machine, ...options } as never);

test('a definition has every default filled in', () => {
  expect(defineAgent({ type: 'order', machine })).toEqual({
    type: 'order',
    machine,
    version: 1,
    input: undefined,
    sleep: { afterMs: 900_000, mode: 'stop' },
    retry: { attempts: 3, backoffMs: 10_000 },
    given: { sleep: {}, retry: {} },
    onPoison: 'skip',
    isolation: undefined,
    dedupe: { horizonMs: 86_400_000 },
    migrate: {},
    previous: [],
    rebirth: 'allow',
    gate: [],
    completed: { keepMs: 30 * 86_400_000 },
    schemas: {},
    routes: {},
  });
});

test('a part of a group leaves the rest of it at its defaults', () => {
  expect(define({ retry: { attempts: 5 }, sleep: { afterMs: undefined } })).toMatchObject({
    retry: { attempts: 5, backoffMs: 10_000 },
    sleep: { afterMs: 900_000, mode: 'stop' },
  });
});

test('a definition cannot be changed', () => {
  const agent = defineAgent({ type: 'order', machine });
  for (const group of [agent, agent.sleep, agent.retry, agent.dedupe, agent.migrate, agent.previous, agent.completed])
    expect(Object.isFrozen(group)).toBe(true);
});

describe('an option is refused by name', () => {
  test.each([
    [{ retries: {} }, 'retries', 'did you mean "retry"?'],
    [{ mashine: machine }, 'mashine', 'did you mean "machine"?'],
    [{ Version: 2 }, 'Version', 'did you mean "version"?'],
    [{ color: 'red' }, 'color', 'known are type, machine'],
    [{ toString: 1 }, 'toString', 'unknown'],
    [{ retry: { attempt: 3 } }, 'retry.attempt', 'did you mean "attempts"?'],
    [{ sleep: { after: 3 } }, 'sleep.after', 'did you mean "afterMs"?'],
    [{ sleep: 5 }, 'sleep', 'write an object with afterMs, mode'],
    [{ sleep: { mode: 'freeze' } }, 'sleep.mode', 'write "stop" or "pause"'],
    [{ sleep: { afterMs: -1 } }, 'sleep.afterMs', 'a whole number from 0 on, not -1'],
    [{ sleep: { afterMs: '5s' } }, 'sleep.afterMs', 'not "5s"'],
    [{ sleep: { afterMs: Number.NaN } }, 'sleep.afterMs', 'not NaN'],
    [{ retry: { attempts: -1 } }, 'retry.attempts', 'from 0 to 1000'],
    [{ retry: { backoffMs: 0.5 } }, 'retry.backoffMs', 'whole number'],
    [{ dedupe: { horizonMs: 0 } }, 'dedupe.horizonMs', 'from 1 on'],
    [{ completed: { keepMs: null } }, 'completed.keepMs', 'not null'],
    [{ routes: { 'paid/now': 'paid' } }, 'routes', 'place :id'],
    [{ routes: { ':id/paid': 5 } }, 'routes', 'names no event'],
    [{ version: 0 }, 'version', 'from 1 on'],
    [{ rebirth: true }, 'rebirth', '"allow" or "forbid"'],
    [{ input: {} }, 'input', 'write a function'],
    [{ machine: undefined }, 'machine', 'missing'],
    [{ machine: {} }, 'machine', 'write a state machine'],
    [{ machine: fromPromise(() => Promise.resolve()) }, 'machine', 'write a state machine'],
    [{ type: undefined }, 'type', 'missing'],
    [{ type: 5 }, 'type', 'name of the agent type'],
    [{ version: 2, migrate: { 1: () => 1 } }, 'migrate', '"1" is not a version'],
    [{ version: 2, migrate: { 3: () => 1 } }, 'migrate', 'the version is 2'],
    [{ version: 2, migrate: { 2: {} } }, 'migrate', 'step 2 is not a function'],
    [{ version: 2, migrate: { two: () => 1 } }, 'migrate', '"two"'],
    [{ previous: [machine] }, 'previous', 'only 0 before it'],
    [{ version: 3, previous: [machine, {}] }, 'previous', 'element 1'],
    [{ previous: machine }, 'previous', 'write a list'],
  ])('%j', (options, option, why) => {
    const facts = failing('INVALID_OPTION', () => define(options));
    expect(facts.option).toBe(option);
    expect(facts.why).toContain(why);
  });

  test('and a type that cannot be a subject by its own error', () => {
    failing('INVALID_ADDRESS', () => define({ type: 'a.b' }));
  });
});

function keep(snapshot: StoredSnapshot): StoredSnapshot {
  return snapshot;
}
/** As a migration of the machines below, `review` is called `checking`. */
function rename(snapshot: StoredSnapshot): StoredSnapshot {
  if (typeof snapshot.value !== 'object' || !('review' in snapshot.value)) return snapshot;
  return { ...snapshot, value: { checking: snapshot.value['review'] ?? '' } };
}
/** Throws unless the context has a name. */
function strict(snapshot: StoredSnapshot): StoredSnapshot {
  return { ...snapshot, context: { n: (snapshot.context['name'] as string).length } };
}

describe('the states of older machines', () => {
  const v1 = createMachine({
    context: { n: 1 },
    initial: 'draft',
    states: { draft: {}, review: { initial: 'open', states: { open: {}, closed: {} } }, done: { type: 'final' } },
  });
  const v2 = createMachine({
    context: { n: 1 },
    initial: 'draft',
    states: { draft: {}, checking: { initial: 'open', states: { open: {}, closed: {} } }, done: { type: 'final' } },
  });
  test('have a home when the machine still has them', () => {
    expect(() => define({ machine: v1, version: 2, previous: [v1], migrate: { 2: keep } })).not.toThrow();
  });

  test('have a home when a migration moves them', () => {
    expect(() => define({ machine: v2, version: 2, previous: [v1], migrate: { 2: rename } })).not.toThrow();
  });

  test('are refused one by one when they have none', () => {
    expect(
      failing('STATE_HOMELESS', () => define({ machine: v2, version: 2, previous: [v1], migrate: { 2: keep } })),
    ).toEqual({ agentType: 'order', version: 1, state: '"review.open"' });
  });

  test('are followed through every version', () => {
    expect(() =>
      define({ machine: v2, version: 3, previous: [v1, v1], migrate: { 2: keep, 3: rename } }),
    ).not.toThrow();
    expect(
      failing('STATE_HOMELESS', () =>
        define({ machine: v2, version: 3, previous: [v2, v1], migrate: { 2: keep, 3: keep } }),
      ),
    ).toMatchObject({ version: 2 });
  });

  test('need every step from their version on', () => {
    expect(
      failing('VERSION_UNREACHABLE', () =>
        define({ machine: v1, version: 3, previous: [v1, v1], migrate: { 3: keep } }),
      ),
    ).toEqual({ agentType: 'order', from: 1, to: 3, missing: 2 });
  });

  test('are homeless where a state has got children since: which of them would it be?', () => {
    const deeper = createMachine({
      initial: 'draft',
      states: {
        draft: { initial: 'x', states: { x: {}, y: {} } },
        review: v1.config.states?.['review'] ?? {},
        done: { type: 'final' },
      },
    } as never);
    expect(
      failing('STATE_HOMELESS', () => define({ machine: deeper, version: 2, previous: [v1], migrate: { 2: keep } }))
        .state,
    ).toBe('"draft"');
  });

  test('are homeless where a state has become final since', () => {
    const final = createMachine({
      initial: 'draft',
      states: { draft: { type: 'final' }, review: v1.config.states?.['review'] ?? {}, done: { type: 'final' } },
    } as never);
    expect(
      failing('STATE_HOMELESS', () => define({ machine: final, version: 2, previous: [v1], migrate: { 2: keep } }))
        .state,
    ).toBe('"draft"');
  });

  test('of parallel regions are each looked at', () => {
    const old = createMachine({
      type: 'parallel',
      states: { a: { initial: 'x', states: { x: {}, y: {} } }, b: { initial: 'p', states: { p: {}, q: {} } } },
    });
    const next = createMachine({
      type: 'parallel',
      states: { a: { initial: 'x', states: { x: {}, y: {} } }, b: { initial: 'p', states: { p: {} } } },
    });
    expect(
      failing('STATE_HOMELESS', () => define({ machine: next, version: 2, previous: [old], migrate: { 2: keep } }))
        .state,
    ).toBe('"b.q"');
  });

  test('are tried with the context that the old machine starts with', () => {
    const rich = createMachine({ context: { name: { first: 'Ada' } }, initial: 'a', states: { a: {} } });
    const seen: unknown[] = [];
    define({
      machine: rich,
      version: 2,
      previous: [rich],
      migrate: { 2: (snapshot: StoredSnapshot) => (seen.push(snapshot.context), snapshot) },
    });
    expect(seen).toEqual([{ name: { first: 'Ada' } }]);
  });

  test('are not held against a migration that throws on a context which is only made up', () => {
    const old = createMachine({
      context: ({ input }) => ({ name: (input as { name: string }).name }),
      initial: 'gone',
      states: { gone: {} },
    });
    expect(() => define({ machine: v1, version: 2, previous: [old], migrate: { 2: strict } })).not.toThrow();
  });
});
