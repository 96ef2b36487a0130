import { type AgentKey, agentKey } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { EffectSlots } from '../../src/effects/effect-slots.ts';

const [ada, bob, cid] = ['ada', 'bob', 'cid'].map((id) => agentKey('payer', id)) as [AgentKey, AgentKey, AgentKey];

/** Slots, and whom they were kept for, in that order. */
function slotsOf(most: number): readonly [slots: EffectSlots, called: AgentKey[]] {
  const called: AgentKey[] = [];
  return [new EffectSlots(most, (key) => called.push(key)), called];
}

test('agents take turns, however much one of them wants', () => {
  const [slots, called] = slotsOf(1);
  slots.take(ada);
  slots.queue(ada);
  for (const key of [bob, cid]) slots.queue(key);
  const order: AgentKey[] = [];
  for (let i = 0; i < 6; i += 1) {
    slots.give();
    const next = called.at(-1) as AgentKey;
    expect([ada, bob, cid].filter((key) => slots.hasRoom(key))).toEqual([next]);
    slots.take(next);
    slots.queue(next);
    order.push(next);
  }
  expect(order).toEqual([ada, bob, cid, ada, bob, cid]);
});

test('nobody overtakes those who wait, and nothing is kept for those who left', () => {
  const [slots, called] = slotsOf(2);
  slots.take(ada);
  slots.take(ada);
  slots.queue(bob);
  slots.queue(cid);
  slots.give();
  expect([called, slots.hasRoom(ada), slots.hasRoom(cid), slots.waiting]).toEqual([[bob], false, false, 1]);
  slots.leave(bob);
  expect([called, slots.isAwaitedBy(bob), slots.waiting]).toEqual([[bob, cid], false, 0]);
  slots.leave(cid);
  expect([slots.hasRoom(ada), slots.waiting]).toEqual([true, 0]);
});

test('whoever waits stands in line once', () => {
  const [slots, called] = slotsOf(1);
  slots.take(ada);
  for (let i = 0; i < 3; i += 1) slots.queue(bob);
  slots.give();
  slots.take(bob);
  slots.give();
  expect([called, slots.hasRoom(ada)]).toEqual([[bob], true]);
});
