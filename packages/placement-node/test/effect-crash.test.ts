/** Placement nodes killed in the midst of effects. The till outlives them. */
import { expect, test } from 'vitest';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';
import type { Step } from './support/node-process.ts';
import { type Way, payerAgent } from './support/payer.ts';
import { Till } from './support/till.ts';

const deploy = useServer('all');
/** A lease lives for 10 s, and only then is it sure that its node has gone. */
const WITHIN_MS = 30_000;

/** Pays while a node dies at a step, and lets another one find out. @returns what the agent was told. */
async function payAndDie(bus: TestDeployment, till: Till, way: Way, step: Step): Promise<unknown> {
  const doomed = await bus.startProcess({ payers: true, dieAt: { step, time: 1 } });
  await bus.client.agent('payer', 'ada').send({ type: way, till: till.url });
  await doomed.exited();
  await bus.startNode({ agents: [payerAgent()] });
  return eventually(async () => {
    const [item] = await bus.items('ada', 'payer');
    expect(item).toBeDefined();
    return item;
  }, WITHIN_MS);
}

test.concurrent('killed when it was planned: it is run, once', { timeout: 60_000 }, async () => {
  const bus = await deploy();
  await using till = await Till.open();
  expect(await payAndDie(bus, till, 'brief', 'afterCommit')).toBe('pay');
  expect(till.paid()).toEqual([1]);
  await bus.drained();
});

test.concurrent.each<[Way, Step, unknown, readonly string[]]>([
  ['brief', 'beforeEffect', 'EFFECT_MAYBE', []],
  ['brief', 'beforeResult', 'EFFECT_MAYBE', ['pay']],
  ['keyed', 'beforeEffect', 'pay', ['pay']],
  ['keyed', 'beforeResult', 'pay', ['pay', 'pay']],
  ['queried', 'beforeEffect', 'pay', ['lookup', 'pay']],
  ['queried', 'beforeResult', 'found', ['pay', 'lookup']],
  ['undone', 'beforeResult', 'EFFECT_COMPENSATED', ['pay', 'undo']],
])('killed with a %s effect at %s', { timeout: 60_000 }, async (way, step, told, verbs) => {
  const bus = await deploy();
  await using till = await Till.open();
  expect(await payAndDie(bus, till, way, step)).toBe(told);
  expect([till.verbs(), new Set(till.requests.map(({ key }) => key)).size <= 1]).toEqual([verbs, true]);
  await bus.drained(WITHIN_MS);
});

test.concurrent('killed with an irreversible one: an operator is asked', { timeout: 60_000 }, async () => {
  const bus = await deploy();
  await using till = await Till.open();
  const doomed = await bus.startProcess({ payers: true, dieAt: { step: 'beforeResult', time: 1 } });
  await bus.client.agent('payer', 'ada').send({ type: 'asked', till: till.url });
  await doomed.exited();
  await bus.startNode({ agents: [payerAgent()] });
  await eventually(async () => {
    const { journal } = await bus.inspect('ada', 'payer');
    expect(journal).toMatchObject([{ state: 'maybe', error: { code: 'EFFECT_MAYBE' } }]);
  }, WITHIN_MS);
  await bus.client.agent('payer', 'ada').resolveEffect('pay-asked', 'failed', 'the till has nothing');
  expect([await bus.items('ada', 'payer'), till.paid()]).toEqual([['EFFECT_FAILED'], [1]]);
});

test.concurrent(
  'stopped past its lease, it is run elsewhere under the same key, and its late result is dropped',
  {
    timeout: 60_000,
  },
  async () => {
    const bus = await deploy();
    await using till = await Till.open();
    till.holds.add('pay');
    const stopped = await bus.startProcess({ payers: true });
    await bus.client.agent('payer', 'ada').send({ type: 'keyed', till: till.url });
    await eventually(() => expect(till.requests).toHaveLength(1));
    stopped.signal('SIGSTOP');
    await bus.startNode({ agents: [payerAgent()] });
    await eventually(() => expect(till.requests).toHaveLength(2), WITHIN_MS);
    till.release();
    await eventually(async () => expect(await bus.items('ada', 'payer')).toEqual(['pay']));

    stopped.signal('SIGCONT');
    await eventually(async () => expect(await stopped.effects()).toBe(0));
    await bus.drained();

    expect([await bus.items('ada', 'payer'), till.paid()]).toEqual([['pay'], [2]]);
    expect((await bus.inspect('ada', 'payer')).journal).toMatchObject([{ state: 'done', attempt: 2 }]);
  },
);
