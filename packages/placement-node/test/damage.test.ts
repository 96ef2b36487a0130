/** State that is damaged, missing or from elsewhere: the agent stands still, and nothing of it is lost. */
import { type AgentRecord, RECORD_FORMAT, decode, encode, encodeRecord } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { listAgent } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer('all');

/** A deployment with the agent `list/a`, asleep, that has `before` in its list. */
async function withSleeper(): Promise<TestDeployment> {
  const bus = await deploy();
  const node = await bus.startNode();
  await bus.list('a').call({ type: 'rest', item: 'before' });
  await eventually(() => expect(node.status().sessions).toBe(0));
  await bus.drained();
  return bus;
}

async function lifecycle(bus: TestDeployment): Promise<AgentRecord['lifecycle']> {
  return (await bus.record('a')).lifecycle;
}

describe.concurrent('a record', () => {
  test('deleted by hand is not taken for a new agent: it is quarantined, and its message stays', async () => {
    const bus = await withSleeper();
    await bus.purgeRecord('a');

    await bus.list('a').send({ type: 'add', item: 'after' });

    await eventually(async () =>
      expect(await lifecycle(bus)).toMatchObject({ name: 'quarantined', code: 'RECORD_MISSING' }),
    );
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
    expect(bus.logs.map(({ facts }) => facts['code'])).toContain('RECORD_MISSING');
  });

  test('cut short by hand is quarantined with what was left of it as evidence', async () => {
    const bus = await withSleeper();
    const cut = (await bus.bytes('a')).slice(0, 60);
    await bus.overwrite('a', cut);

    await bus.list('a').send({ type: 'add', item: 'after' });

    await eventually(async () =>
      expect(await lifecycle(bus)).toMatchObject({ name: 'quarantined', code: 'RECORD_DAMAGED' }),
    );
    expect((await bus.record('a')).evidence).toEqual(cut);
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
  });

  test('mended by hand lets the agent go on with what had waited', async () => {
    const bus = await withSleeper();
    const whole = await bus.bytes('a');
    await bus.overwrite('a', whole.slice(0, 60));
    await bus.list('a').send({ type: 'add', item: 'after' });
    await eventually(async () => expect((await lifecycle(bus)).name).toBe('quarantined'));

    await bus.overwrite('a', whole);

    await eventually(async () => expect(await bus.items('a')).toEqual(['before', 'after']));
    await bus.drained();
  });

  test('of a quarantined agent that is removed makes room for a new life, above every incarnation before it', async () => {
    const bus = await withSleeper();
    await bus.list('a').call({ type: 'fan', item: 'first life', to: ['list/b'] });
    await eventually(async () => expect(await bus.items('b')).toEqual(['first life']));
    await bus.drained();
    await bus.stopNodes();
    await bus.overwrite('a', new Uint8Array([0xc1]));
    await bus.startNode();
    await bus.list('a').send({ type: 'add', item: 'lost on the way' });
    await eventually(async () => expect((await lifecycle(bus)).name).toBe('quarantined'));

    await bus.client.remove('list/a');
    await bus.list('a').call({ type: 'fan', item: 'second life', to: ['list/b'] });

    await eventually(async () => expect(await bus.items('b')).toEqual(['first life', 'second life']));
    expect(await bus.items('a')).toEqual(['second life']);
    expect(await bus.deadLetters()).toMatchObject([{ key: 'list.a', code: 'AGENT_REMOVED' }]);
  });

  test('of a later format is left as it is, and its message waits for a node that reads it', async () => {
    const bus = await withSleeper();
    const record = await bus.record('a');
    const newer = encode({ ...(decode(encodeRecord(record)) as object), format: RECORD_FORMAT + 1 });
    await bus.overwrite('a', newer);

    await bus.list('a').send({ type: 'add', item: 'after' });

    await eventually(() => expect(bus.logs.map(({ facts }) => facts['code'])).toContain('RECORD_NEWER'));
    expect(await bus.bytes('a')).toEqual(newer);
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
    await bus.overwrite('a', encodeRecord(record));
    await eventually(async () => expect(await bus.items('a')).toEqual(['before', 'after']));
  });
});

describe.concurrent('a snapshot', () => {
  test('of a later version of the machine waits for a node that has it', async () => {
    const bus = await deploy();
    const newer = await bus.startNode({ agents: [listAgent({ version: 2 })] });
    await bus.list('a').call({ type: 'rest', item: 'v2' });
    await newer.drain();
    await bus.startNode();

    await bus.list('a').send({ type: 'add', item: 'after' });
    await eventually(() => expect(bus.logs.map(({ facts }) => facts['code'])).toContain('VERSION_NEWER'));
    expect([(await bus.record('a')).lifecycle.name, await bus.items('a')]).toEqual(['asleep', ['v2']]);
    await bus.startNode({ agents: [listAgent({ version: 2 })] });

    await eventually(async () => expect(await bus.items('a')).toEqual(['v2', 'after']));
    await bus.drained();
  });

  test('that has no home in the machine stays asleep with a typed error, mailbox kept', async () => {
    const bus = await withSleeper();
    const record = await bus.record('a');
    const snapshot = encode({ ...(decode(record.snapshot) as object), value: 'nowhere' });
    await bus.overwrite('a', encodeRecord({ ...record, snapshot }));

    await bus.list('a').send({ type: 'add', item: 'after' });

    await eventually(() => expect(bus.logs.map(({ facts }) => facts['code'])).toContain('SNAPSHOT_HOMELESS'));
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
    await bus.overwrite('a', encodeRecord(record));
    await eventually(async () => expect(await bus.items('a')).toEqual(['before', 'after']));
  });
});

describe('an inbox', () => {
  test('that was recreated while nobody ran puts its agents into quarantine', async () => {
    const bus = await withSleeper();
    await bus.stopNodes();
    await bus.recreateInbox();

    await bus.startNode();
    await bus.list('a').send({ type: 'add', item: 'after' });

    await eventually(async () =>
      expect(await lifecycle(bus)).toMatchObject({ name: 'quarantined', code: 'INBOX_RESTORED' }),
    );
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
  });

  test('that is recreated under an agent that is awake loses no message for it', async () => {
    const bus = await deploy();
    await bus.startNode();
    for (let item = 1; item <= 5; item += 1) await bus.list('a').call({ type: 'add', item });
    await bus.drained();
    await bus.recreateInbox();

    await bus.list('a').send({ type: 'add', item: 'after' });

    await eventually(async () =>
      expect(await lifecycle(bus)).toMatchObject({ name: 'quarantined', code: 'INBOX_RESTORED' }),
    );
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
    expect(await bus.items('a')).toEqual([1, 2, 3, 4, 5]);
  });

  test('that was restored to an earlier state puts agents ahead of it into quarantine', async () => {
    const bus = await withSleeper();
    const record = await bus.record('a');
    await bus.overwrite('a', encodeRecord({ ...record, cursor: record.cursor + 1_000 }));

    await bus.list('a').send({ type: 'add', item: 'after' });

    await eventually(async () =>
      expect(await lifecycle(bus)).toMatchObject({ name: 'quarantined', code: 'INBOX_RESTORED' }),
    );
  });

  test('that was restored takes no new message for a processed one, however soon it came', async () => {
    const bus = await withSleeper();
    await bus.stopNodes();
    const record = await bus.record('a');
    // The backup lacks three messages that the agent has processed, and others have filled their places since.
    const ahead = { ...record, cursor: record.cursor + 3, cursorMs: record.cursorMs - 2_000 };
    await bus.overwrite('a', encodeRecord(ahead));
    await bus.list('a').send({ type: 'add', item: 'after' });
    for (let item = 1; item <= 5; item += 1) await bus.list('b').send({ type: 'add', item });

    await bus.startNode();

    await eventually(async () =>
      expect(await lifecycle(bus)).toMatchObject({ name: 'quarantined', code: 'INBOX_RESTORED' }),
    );
    await eventually(async () => expect(await bus.items('b')).toEqual([1, 2, 3, 4, 5]));
    await eventually(async () => expect(await bus.count(bus.layout.inboxStream(0))).toBe(1));
  });
});

test('a quarantined agent harms no neighbour', async () => {
  const bus = await withSleeper();
  await bus.overwrite('a', new Uint8Array([1, 2, 3]));
  await Promise.all(Array.from({ length: 50 }, (_, item) => bus.list('a').send({ type: 'add', item })));

  for (let item = 1; item <= 20; item += 1) expect(await bus.list(`b${item}`).call({ type: 'add', item })).toBe(1);
});
