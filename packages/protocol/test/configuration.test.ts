import { describe, expect, test } from 'vitest';
import { readConfiguration, readConfigurationVariables } from '../src/mod.ts';
import { failing } from './failing.ts';

test('names and units of configuration become the options of defineAgent', () => {
  expect(readConfiguration({ agentIdleTimeout: 1800, agentMaxRestarts: 5, agentRestartBackoffSeconds: 0.5 })).toEqual({
    agentDefaults: { sleep: { afterMs: 1_800_000 }, retry: { attempts: 5, backoffMs: 500 } },
  });
});

test('what is not said is not there', () => {
  expect(readConfiguration({ agentMaxRestarts: undefined })).toEqual({ agentDefaults: {} });
  expect(
    readConfigurationVariables({ WAKEBUS_AGENT_MAX_RESTARTS: ' ', WAKEBUS_AGENT_SERVICE_HOST: '10.0.0.1' }),
  ).toEqual({ agentDefaults: {} });
});

test('a fraction of seconds is taken to the millisecond, however it is stored', () => {
  expect(readConfiguration({ agentIdleTimeout: 1.005 }).agentDefaults.sleep?.afterMs).toBe(1_005);
});

describe('is refused by name', () => {
  test.each([
    [[], 'configuration', 'an object'],
    [null, 'configuration', 'an object'],
    [{ agentMaxRestart: 3 }, 'agentMaxRestart', 'did you mean "agentMaxRestarts"?'],
    [{ agentIdleTimeoutMs: 3 }, 'agentIdleTimeoutMs', 'did you mean "agentIdleTimeout"?'],
    [{ toString: 3 }, 'toString', 'known are agentIdleTimeout'],
    [{ agentIdleTimeout: '30m' }, 'agentIdleTimeout', 'a number of seconds from 0 on, without a unit, not "30m"'],
    [{ agentIdleTimeout: -1 }, 'agentIdleTimeout', 'not -1'],
    [{ agentIdleTimeout: Number.NaN }, 'agentIdleTimeout', 'seconds'],
    [{ agentIdleTimeout: Number.MAX_SAFE_INTEGER }, 'agentIdleTimeout', 'seconds'],
    [{ agentMaxRestarts: -1 }, 'agentMaxRestarts', 'a whole number of restarts from 0 to 1000'],
    [{ agentMaxRestarts: 2.5 }, 'agentMaxRestarts', 'not 2.5'],
    [{ agentMaxRestarts: 1001 }, 'agentMaxRestarts', 'not 1001'],
    [{ agentRestartBackoffSeconds: null }, 'agentRestartBackoffSeconds', 'not null'],
  ])('%j', (given, option, why) => {
    const facts = failing('INVALID_OPTION', () => readConfiguration(given));

    expect(facts).toEqual({ option, why: expect.stringContaining(why) });
  });

  test('a variable, as it is called in the environment', () => {
    const facts = failing('INVALID_OPTION', () => readConfigurationVariables({ WAKEBUS_AGENT_MAX_RESTARTS: '1001' }));

    expect(facts).toMatchObject({ option: 'WAKEBUS_AGENT_MAX_RESTARTS' });
  });
});
