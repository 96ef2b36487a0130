/** What nobody goes on with by itself is told: durably, once, and to whoever listens. */
import { type Incident, readIncident } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { listAgent } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';
import { payerAgent } from './support/payer.ts';
import { Till } from './support/till.ts';

const deploy = useServer();
const stopping = listAgent({ onPoison: 'stop', retry: { attempts: 1, backoffMs: 20 } });

/** Waits until so many are told. */
function told(bus: TestDeployment, count: number): Promise<Incident[]> {
  return eventually(async () => {
    const found = await bus.incidents();
    expect(found).toHaveLength(count);
    return found.flatMap(({ data }) => readIncident(data) ?? []);
  });
}

describe('an incident', () => {
  test('is told of an agent that has failed, with its message and attempts', async () => {
    const bus = await deploy();
    const heard: Incident[] = [];
    const node = await bus.startNode({ agents: [stopping], onIncident: (incident) => void heard.push(incident) });
    await bus.list('a b').send({ type: 'boom' });

    const [incident] = await told(bus, 1);

    const { lifecycle } = await bus.inspect('a b');
    expect(incident).toMatchObject({
      v: 1,
      id: `failed/list/a=20b/${lifecycle.sinceMs}`,
      kind: 'failed',
      agent: 'list/a b',
      code: 'AGENT_FAILED',
      message: expect.stringContaining('it burst') as string,
      facts: { seq: 1, attempts: 2 },
      node: node.nodeId,
      atMs: lifecycle.sinceMs,
    });
    await eventually(() => expect(heard).toEqual([incident]));
    const [stored] = await bus.incidents();
    expect(stored?.subject).toBe(bus.layout.incidentSubject(incident?.id ?? ''));
  });

  test('is told once, however often the agent is looked at, and by however many nodes', async () => {
    const bus = await deploy();
    const first = await bus.startNode({ agents: [stopping] });
    await bus.list('ada').send({ type: 'boom' });
    await told(bus, 1);
    await first.drain();
    const heard: Incident[] = [];
    const second = await bus.startNode({ agents: [stopping], onIncident: (incident) => void heard.push(incident) });
    await bus.list('ada').send({ type: 'add', item: 1 });
    await eventually(() => expect(second.status().sessions).toBe(1));

    // A second incident, told after whatever the first may still bring.
    await bus.list('bob').send({ type: 'boom' });

    expect((await told(bus, 2)).map(({ agent }) => agent)).toEqual(['list/ada', 'list/bob']);
    await eventually(() => expect(heard.map(({ agent }) => agent)).toEqual(['list/bob']));
  });

  test('is told by whoever wakes the agent next, under the same ID, when its teller died before', async () => {
    const bus = await deploy();
    const first = await bus.startNode({ agents: [stopping] });
    await bus.list('ada').send({ type: 'boom' });
    const [before] = await told(bus, 1);
    first.close();
    await bus.purge(bus.layout.incidentsStream);

    await bus.startNode({ agents: [stopping] });

    const [after] = await told(bus, 1);
    expect(after?.id).toBe(before?.id);
  });

  test('is another one when a released agent fails again', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [stopping] });
    await bus.list('ada').send({ type: 'boom' });
    await told(bus, 1);

    await bus.client.release('list/ada');

    const ids = (await told(bus, 2)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
  });

  test('is told of a dead letter, with its place among them', async () => {
    const bus = await deploy();
    await bus.startNode();
    await bus.list('ada').send({ type: 'boom' });

    const [incident] = await told(bus, 1);

    const { messages } = await bus.client.deadLetters.list();
    expect(incident).toMatchObject({
      kind: 'dead-lettered',
      agent: 'list/ada',
      code: 'DEAD_LETTERED',
      facts: { seq: 1, attempts: 2, letter: messages[0]?.id },
    });
  });

  test('is told of an agent that the runtime suspends, and not of one that an operator does', async () => {
    const bus = await deploy();
    await bus.startNode();
    await bus.list('ada').call({ type: 'add', item: 1 });
    await bus.client.suspend('list/ada');
    await bus.list('bob').send({ type: 'unstorable' });

    const incidents = await told(bus, 1);

    expect(incidents).toMatchObject([{ kind: 'suspended', agent: 'list/bob', code: 'VALUE_NOT_DURABLE' }]);
    expect((await bus.inspect('ada')).lifecycle.name).toBe('suspended');
  });

  test('is told of an agent in quarantine', async () => {
    const bus = await deploy();
    const node = await bus.startNode();
    await bus.list('ada').call({ type: 'rest' });
    await eventually(() => expect(node.status().sessions).toBe(0));
    await bus.purgeRecord('ada');

    await bus.list('ada').send({ type: 'add', item: 1 });

    expect(await told(bus, 1)).toMatchObject([{ kind: 'quarantined', agent: 'list/ada', code: 'RECORD_MISSING' }]);
  });

  test('is told of an effect that waits for an operator, with its key', async () => {
    const bus = await deploy();
    await using till = await Till.open();
    till.holds.add('pay');
    await bus.startNode({ agents: [payerAgent()] });
    await bus.client.agent('payer', 'ada').send({ type: 'asked', till: till.url });

    const [incident] = await told(bus, 1);

    expect(incident).toMatchObject({
      kind: 'maybe',
      agent: 'payer/ada',
      code: 'EFFECT_MAYBE',
      facts: { effect: 'pay-asked', key: till.requests[0]?.key, attempt: 1 },
    });
  });

  test('reaches the stream when its listener throws, and the node goes on', async () => {
    const bus = await deploy();
    const onIncident = (): Promise<void> => Promise.reject(new Error('nobody listens'));
    await bus.startNode({ agents: [stopping], onIncident });
    await bus.list('ada').send({ type: 'boom' });

    await told(bus, 1);

    await eventually(() => expect(bus.logs.map(({ facts }) => facts['error'])).toContainEqual('Error: nobody listens'));
    expect(await bus.list('bob').call({ type: 'add', item: 1 })).toBe(1);
  });
});
