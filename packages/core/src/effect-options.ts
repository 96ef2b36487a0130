/**
 * The options of `effect`: what is wrong, or cannot be safe, is refused before anything uses it.
 *
 * What the values mean is in `effect.ts`.
 */
import { MAX_TOKEN_BYTES, encodeToken, optionChecks } from '@wakebus/protocol';
import type { EffectOptions, EffectSpec, FileEffectOptions } from './effect.ts';

type Options = EffectOptions<unknown, unknown> | FileEffectOptions<unknown, unknown>;

const { wrong, known, oneOf, whole } = optionChecks('effect');

const OPTIONS: readonly string[] = [
  'run',
  'workspace',
  'dedupe',
  'keyHorizonMs',
  'lookup',
  'onMaybe',
  'compensate',
  'irreversible',
  'timeoutMs',
  'retry',
  'target',
  'isTargetFault',
  'isFinal',
];
const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_BACKOFF_MS = 1_000;
/** The wait between two attempts doubles up to this, in milliseconds. */
export const LONGEST_BACKOFF_MS: number = 600_000;
/** Whoever runs an attempt has so long, in milliseconds, to say how it ended once its time is over. */
export const RESULT_GRACE_MS: number = 5_000;
/** A server's schedule and a browser's timer both end here: some 24 days, in milliseconds. */
const LONGEST_MS = 2_000_000_000;

/**
 * Checks the options of an effect and fills in the defaults.
 *
 * @throws {WakebusError} `INVALID_OPTION`, naming the option.
 */
export function checkEffectOptions(options: Options): EffectSpec {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'write an object');
  known(options, OPTIONS);
  for (const option of ['run', 'lookup', 'compensate', 'isTargetFault', 'isFinal'] as const) {
    if (typeof options[option] !== 'function' && (option === 'run' || options[option] !== undefined))
      throw wrong(option, 'write a function');
  }
  const dedupe = options.dedupe ?? 'none';
  const spec: EffectSpec = {
    run: options.run,
    workspace:
      options.workspace === undefined
        ? undefined
        : oneOf<'read' | 'write'>('workspace', options.workspace, ['read', 'write']),
    dedupe: oneOf('dedupe', dedupe, ['key', 'query', 'none']),
    keyHorizonMs: options.keyHorizonMs ?? 0,
    lookup: options.lookup,
    onMaybe: oneOf('onMaybe', options.onMaybe ?? defaultPolicy(options), ['retry', 'ask', 'compensate', 'fail']),
    compensate: options.compensate,
    timeoutMs: whole('timeoutMs', options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1, LONGEST_MS),
    retry: Object.freeze({
      attempts: whole('retry.attempts', options.retry?.attempts ?? (dedupe === 'none' ? 0 : 4), 0, 1_000),
      backoffMs: whole('retry.backoffMs', options.retry?.backoffMs ?? DEFAULT_BACKOFF_MS, 0, LONGEST_MS),
    }),
    target: targetOf(options),
    isTargetFault: options.isTargetFault ?? ((): boolean => true),
    isFinal: options.isFinal ?? ((): boolean => false),
  };
  checkSafety(spec, options);
  return Object.freeze(spec);
}

function targetOf({ target }: Options): string | undefined {
  try {
    if (target !== undefined) encodeToken(target);
    return target;
  } catch {
    throw wrong('target', `write a name of at most ${MAX_TOKEN_BYTES} bytes`);
  }
}

function defaultPolicy({ dedupe, irreversible, compensate }: Options): EffectSpec['onMaybe'] {
  if (irreversible === true) return 'ask';
  if (compensate !== undefined) return 'compensate';
  return dedupe === 'key' ? 'retry' : 'fail';
}

function checkSafety(spec: EffectSpec, { irreversible, keyHorizonMs }: Options): void {
  const { dedupe, onMaybe, lookup, compensate } = spec;
  if (onMaybe === 'retry' && dedupe !== 'key')
    throw wrong('onMaybe', '"retry" could do it twice: it needs dedupe: "key", and a receiver that honours the key');
  if ((dedupe === 'query') !== (lookup !== undefined))
    throw wrong('lookup', 'it goes with dedupe: "query", and that needs it');
  if ((onMaybe === 'compensate') !== (compensate !== undefined))
    throw wrong('compensate', 'it goes with onMaybe: "compensate", and that needs it');
  if (onMaybe === 'compensate' && irreversible === true)
    throw wrong('irreversible', 'what can be compensated is not irreversible');
  if ((dedupe === 'key') !== (keyHorizonMs !== undefined))
    throw wrong(
      'keyHorizonMs',
      'it goes with dedupe: "key", and that needs it: for how long the receiver remembers a key',
    );
  if (dedupe !== 'key') return;
  const neededMs = longestMs(spec);
  if (!(spec.keyHorizonMs >= neededMs))
    throw wrong(
      'keyHorizonMs',
      `all attempts may take ${neededMs} ms; a receiver that forgets a key sooner does it twice. Lower timeoutMs or retry`,
    );
}

/** How long all attempts of an effect may take, the waits between them included, in milliseconds. */
function longestMs({ timeoutMs, retry }: EffectSpec): number {
  let sumMs = timeoutMs + RESULT_GRACE_MS;
  for (let i = 0; i < retry.attempts; i += 1)
    sumMs += Math.min(LONGEST_BACKOFF_MS, retry.backoffMs * 2 ** i) + timeoutMs + RESULT_GRACE_MS;
  return sumMs;
}
