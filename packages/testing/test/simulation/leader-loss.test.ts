import { ZombieWatch } from '@wakebus/testing';
import { expect, test } from 'vitest';
import { ann, bytes, consume, inboxOf, publish, scene, text } from './scene.ts';

test('without a leader nothing is confirmed and nothing is read; afterwards everything goes on', async () => {
  const sim = scene({ leaderLost: 1 }, { bounds: { electionMs: [1_000, 1_000] } });
  const node = sim.node('a');
  const put = await sim.settle(node.ports.agents.put(ann, bytes('x'), 0));
  expect(put.kind).toBe('unknown');
  await expect(sim.settle(node.ports.agents.getFresh(ann))).rejects.toThrow('did not answer');
  sim.faults.active = false;
  await sim.run({ forMs: 2_000 });
  expect((await sim.settle(node.ports.agents.put('greeter.bob', bytes('x'), 0))).kind).toBe('stored');
});

test('what the old leader took is kept by the new one in some runs and not in others', async () => {
  const kept = new Set<boolean>();
  for (let seed = 0; seed < 20; seed += 1) {
    const sim = scene({ leaderLost: 1 }, { seed });
    await sim.settle(sim.node('a').ports.agents.put(ann, bytes('x'), 0));
    kept.add(sim.server.agents.get(ann).revision > 0);
  }
  expect(kept.size).toBe(2);
});

test('a full inbox refuses, and takes the same message later', async () => {
  const sim = scene({ full: 1 });
  const inbox = inboxOf(sim.node('a').ports);
  const subject = sim.layout.eventSubject(ann, 'said');
  expect((await sim.settle(inbox.append(subject, bytes('x')))).kind).toBe('full');
  sim.faults.active = false;
  expect((await sim.settle(inbox.append(subject, bytes('x')))).kind).toBe('stored');
});

test('what is delivered again may come in another order', async () => {
  const sim = scene({ overtaken: 1 });
  const got = await consume(sim, sim.node('a'));
  for (const word of ['one', 'two', 'three']) publish(sim, word);
  await sim.run({ forMs: 6_000 });
  expect(got.map(({ data }) => text(data)).slice(0, 6)).toEqual(['one', 'two', 'three', 'three', 'two', 'one']);
});

test('a write of a node whose lease has run out is seen, and one under a living lease is not', async () => {
  const sim = scene();
  const zombies = new ZombieWatch(sim);
  const { ports } = sim.node('a');
  await sim.settle(ports.leases.put('a-1', bytes('here'), 0, { ttlMs: 10_000 }));
  await sim.settle(ports.agents.put(ann, bytes('x'), 0));
  expect(zombies.check()).toEqual([]);
  await sim.run({ forMs: 12_000 });
  await sim.settle(ports.agents.put('greeter.bob', bytes('x'), 0));
  expect(zombies.check()).toEqual([
    expect.stringMatching(/^a sends "put record" to wakebus_agents at step \d+ without a lease$/),
  ]);
});
