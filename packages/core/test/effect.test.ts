import { createActor, fromPromise, setup, toPromise, waitFor } from 'xstate';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { type EffectOptions, defineAgent, effect, specOf } from '../src/mod.ts';
import { failing } from './failing.ts';

type Options = EffectOptions<unknown, unknown>;
const run = (): Promise<number> => Promise.resolve(1);
const HOUR_MS = 3_600_000;

function specFor(options?: Options): ReturnType<typeof specOf> {
  const logic = options === undefined ? fromPromise(run) : effect(options);
  const machine = setup({ actors: { pay: logic as never } }).createMachine({
    invoke: { id: 'x', src: 'pay' },
  } as never);
  return specOf(defineAgent({ type: 'order', machine } as never), { src: 'pay' });
}

describe('an effect', () => {
  test('is an ordinary promise logic: a plain actor runs it, with a key of its own', async () => {
    const logic = effect({
      run: ({ input, idempotencyKey, attempt }: { input: { n: number }; idempotencyKey: string; attempt: number }) =>
        Promise.resolve(`${input.n} ${attempt} ${idempotencyKey.length > 0}`),
    });
    const actor = createActor(logic, { input: { n: 7 } }).start();
    await expect(toPromise(actor)).resolves.toBe('7 1 true');
  });

  test('gives its types to the machine that invokes it', async () => {
    const pay = effect({ run: ({ input }: { input: { cents: number } }) => Promise.resolve({ receipt: input.cents }) });
    const machine = setup({ actors: { pay }, types: { context: {} as { receipt: number } } }).createMachine({
      context: { receipt: 0 },
      initial: 'paying',
      states: {
        paying: {
          invoke: {
            id: 'pay',
            src: 'pay',
            input: { cents: 5 },
            onDone: {
              target: 'paid',
              guard: ({ event }) => {
                expectTypeOf(event.output).toEqualTypeOf<{ receipt: number }>();
                return event.output.receipt === 5;
              },
            },
          },
        },
        paid: {},
      },
    });
    await waitFor(createActor(machine).start(), (snapshot) => snapshot.matches('paid'));
  });

  test('of a plain promise is careful: one attempt of a minute, and EFFECT_MAYBE when nobody knows', () => {
    expect(specFor()).toMatchObject({
      dedupe: 'none',
      onMaybe: 'fail',
      timeoutMs: 60_000,
      retry: { attempts: 0, backoffMs: 1_000 },
      target: undefined,
    });
    expect(specFor()?.isTargetFault(new Error('refused'))).toBe(true);
    expect(specFor()?.isFinal(new Error('refused'))).toBe(false);
  });

  test.each<[string, Options, object]>([
    ['with a key', { run, dedupe: 'key', keyHorizonMs: HOUR_MS }, { onMaybe: 'retry', retry: { attempts: 4 } }],
    [
      'with a key, and irreversible',
      { run, dedupe: 'key', keyHorizonMs: HOUR_MS, irreversible: true },
      { onMaybe: 'ask' },
    ],
    [
      'with a lookup',
      { run, dedupe: 'query', lookup: () => Promise.resolve({ happened: false }) },
      { onMaybe: 'fail', retry: { attempts: 4 } },
    ],
    ['that is irreversible', { run, irreversible: true }, { onMaybe: 'ask', retry: { attempts: 0 } }],
  ])('%s has its defaults', (_, options, expected) => {
    expect(specFor(options)).toMatchObject(expected);
  });
});

describe('refused when it is made, and by its types:', () => {
  const lookup = (): Promise<{ happened: false }> => Promise.resolve({ happened: false });
  const cases: Array<[string, () => unknown, string]> = [
    // @ts-expect-error: without a key a repetition may double it
    ['a retry without a key', () => effect({ run, onMaybe: 'retry' }), 'onMaybe'],
    // @ts-expect-error: a lookup is no key
    ['a retry with a lookup', () => effect({ run, dedupe: 'query', lookup, onMaybe: 'retry' }), 'onMaybe'],
    // @ts-expect-error: nothing says how long the receiver remembers
    ['a key without a horizon', () => effect({ run, dedupe: 'key' }), 'keyHorizonMs'],
    // @ts-expect-error: there is nothing to ask
    ['a query without a lookup', () => effect({ run, dedupe: 'query' }), 'lookup'],
    // @ts-expect-error: it would never be asked
    ['a lookup without a query', () => effect({ run, lookup }), 'lookup'],
    // @ts-expect-error: there is nothing to undo it with
    ['a compensation without one', () => effect({ run, onMaybe: 'compensate' }), 'compensate'],
    // @ts-expect-error: it would never run
    ['a compensation that never runs', () => effect({ run, onMaybe: 'ask', compensate: run }), 'compensate'],
    [
      'an irreversible one that is compensated',
      // @ts-expect-error: either, or
      () => effect({ run, onMaybe: 'compensate', compensate: run, irreversible: true }),
      'irreversible',
    ],
    // @ts-expect-error: an unknown policy
    ['an unknown policy', () => effect({ run, onMaybe: 'hope' }), 'onMaybe'],
    // @ts-expect-error: there is nothing to run
    ['nothing to run', () => effect({}), 'run'],
    // @ts-expect-error: a slip of the finger
    ['an unknown option', () => effect({ run, timeoutMS: 5 }), 'timeoutMS'],
  ];
  test.each(cases)('%s', (_, make, option) => {
    expect(failing('INVALID_OPTION', make).option).toBe(`effect.${option}`);
  });

  test('a key that is forgotten before all attempts may be over, with the time that they may take', () => {
    const options = { run, dedupe: 'key', timeoutMs: 10_000, retry: { attempts: 2, backoffMs: 1_000 } } as const;
    expect(failing('INVALID_OPTION', () => effect({ ...options, keyHorizonMs: 47_999 })).why).toMatch(/48000 ms/);
    expect(() => effect({ ...options, keyHorizonMs: 48_000 })).not.toThrow();
  });

  test('a target without a name, or with one that no subject could hold', () => {
    for (const target of ['', 'x'.repeat(201), '\uD800'])
      expect(failing('INVALID_OPTION', () => effect({ run, target })).option).toBe('effect.target');
    expect(() => effect({ run, target: 'https://bank.example/v1' })).not.toThrow();
  });

  test('times that are none', () => {
    failing('INVALID_OPTION', () => effect({ run, timeoutMs: 0 }));
    failing('INVALID_OPTION', () => effect({ run, retry: { attempts: -1 } }));
  });
});
