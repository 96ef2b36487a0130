import type { EventLog } from '@wakebus/placement-node';
import { Layout, type AgentKey } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { type FaultRates, ROUGH, Simulation } from '@wakebus/testing';

const layout = new Layout({ partitions: 4 });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);

/** A program that answers every event: reads the record, appends the event, commits, acknowledges. */
function appender(faults: FaultRates, seed: number): Simulation {
  const sim = new Simulation({ seed, layout, faults });
  for (const name of ['n1', 'n2', 'n3']) {
    sim.node(name, (node) => {
      const { inboxes, agents } = node.ports;
      const [inbox] = inboxes as [EventLog];
      for (let p = 0; p < layout.partitions; p += 1) {
        void inbox
          .consume(
            { name: layout.consumerName('default', p), filters: [layout.partitionFilter(p, 'list')], ackWaitMs: 5_000 },
            {
              rank: p % 3,
              onDelivery: (delivery) =>
                void (async () => {
                  const key = layout.readInboxSubject(delivery.subject)?.key ?? '';
                  for (;;) {
                    const before = await agents.get(key);
                    const list = before.bytes === undefined ? [] : (JSON.parse(text(before.bytes)) as number[]);
                    if (list.includes(delivery.seq)) return inbox.ack(delivery.ackToken);
                    const outcome = await agents.put(
                      key,
                      bytes(JSON.stringify([...list, delivery.seq])),
                      before.revision,
                    );
                    if (outcome.kind === 'stored') return inbox.ack(delivery.ackToken);
                  }
                })().catch(() => undefined),
            },
          )
          .catch(() => undefined);
      }
    });
  }
  return sim;
}

async function runAppender(faults: FaultRates, seed: number): Promise<Simulation> {
  const sim = appender(faults, seed);
  const [inbox] = sim.node('client').ports.inboxes as [EventLog];
  for (let i = 0; i < 200; i += 1)
    void inbox.append(layout.agentSubject(`list.a${i % 7}` as AgentKey, 'add'), bytes('{}'));
  await sim.run({ forMs: 60_000 });
  sim.healAll();
  await sim.run({ untilQuiet: true, maxSteps: 1_000_000 });
  return sim;
}

test('without faults every event is processed once', async () => {
  const sim = await runAppender({}, 1);
  const lists = sim.server.agents
    .keys('>')
    .map((key) => JSON.parse(text(sim.server.agents.get(key).bytes)) as number[]);
  expect(lists.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  expect(sim.server.inbox()).toEqual([]);
});

test('the same seed gives the same steps, another seed others', async () => {
  const [one, again, other] = [await runAppender(ROUGH, 7), await runAppender(ROUGH, 7), await runAppender(ROUGH, 8)];
  expect(again.trace).toBe(one.trace);
  expect(again.scheduler.steps).toBe(one.scheduler.steps);
  expect(other.trace).not.toBe(one.trace);
});
