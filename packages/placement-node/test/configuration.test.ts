/** Defaults of a placement node for what definitions leave open, and the names that configuration has for them. */
import { readFileSync } from 'node:fs';
import { agentNumbers, configurationNames } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { readConfiguration } from '../src/mod.ts';
import { listAgent } from './support/agents.ts';
import { useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';
import { openWild } from './support/wild.ts';

const deploy = useServer();
/** Lists that say nothing of retries. */
const openList = listAgent({ retry: undefined });

describe('an agent whose type does not say it', () => {
  test('sleeps after the configured time', async () => {
    const bus = await deploy();
    const node = await bus.startNode(readConfiguration({ agentIdleTimeout: 0.05 }));
    await bus.list('ada').call({ type: 'add', item: 'a' });

    await eventually(() => expect(node.status().sessions).toBe(0));

    expect((await bus.inspect('ada')).lifecycle.name).toBe('asleep');
  });

  test('is tried again as often as configured', async () => {
    const bus = await deploy();
    await bus.startNode({
      agents: [openList],
      ...readConfiguration({ agentMaxRestarts: 2, agentRestartBackoffSeconds: 0.02 }),
    });

    const outcome = await failure(bus.list('ada').call({ type: 'boom' } as never));

    expect(outcome).toMatchObject({ code: 'DEAD_LETTERED', facts: { attempts: 3 } });
  });

  test('is given up at its first failure where no restarts are configured', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [openList], ...readConfiguration({ agentMaxRestarts: 0 }) });

    const outcome = await failure(bus.list('ada').call({ type: 'boom' } as never));

    expect(outcome).toMatchObject({ code: 'DEAD_LETTERED', facts: { attempts: 1 } });
    expect(await bus.list('ada').call({ type: 'add', item: 1 })).toBe(1);
  });

  test('is tried again as often as configured where its turns run in threads', async () => {
    const bus = await deploy();
    await bus.startNode({
      agents: [openWild],
      ...readConfiguration({ agentMaxRestarts: 1, agentRestartBackoffSeconds: 0.02 }),
    });

    const outcome = await failure(bus.client.agent('wild', 'ada').call({ type: 'burst' }));

    expect(outcome).toMatchObject({ code: 'DEAD_LETTERED', facts: { attempts: 2 } });
  });
});

test('what a type says itself holds, whatever is configured', async () => {
  const bus = await deploy();
  await bus.startNode({
    agents: [listAgent({ retry: { attempts: 2 } })],
    ...readConfiguration({ agentMaxRestarts: 1, agentRestartBackoffSeconds: 0.02 }),
  });

  const outcome = await failure(bus.list('ada').call({ type: 'boom' } as never));

  expect(outcome).toMatchObject({ code: 'DEAD_LETTERED', facts: { attempts: 3 } });
});

test.each([
  [{ slep: {} }, 'agentDefaults.slep', 'did you mean "sleep"?'],
  [{ retry: { attempts: -1 } }, 'agentDefaults.retry.attempts', 'from 0 to 1000'],
  [5, 'agentDefaults', 'write an object'],
])('defaults that are wrong are refused by name: %j', async (agentDefaults, option, why) => {
  const bus = await deploy();

  const refusal = await failure(bus.startNode({ agentDefaults: agentDefaults as never }));

  expect(refusal).toMatchObject({ code: 'INVALID_OPTION', facts: { option, why: expect.stringContaining(why) } });
});

test('the README lists every name with its variable, unit, option and default, and no other', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

  const rows = readme.split('\n').filter((line) => /^\| `agent[A-Z]/.test(line));

  expect(rows).toEqual(
    Object.entries(configurationNames).map(([name, { variable, unit, option, reason }]) => {
      const usual = agentNumbers[option].usual / (unit === 'seconds' ? 1_000 : 1);
      return `| \`${name}\` | \`${variable}\` | ${unit} | \`${option}\` | ${usual} – ${reason} |`;
    }),
  );
});
