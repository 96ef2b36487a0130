import { type AgentSnapshot, applyEvent, initialStep } from '@wakebus/core';
import { type AgentEvent, type AgentKey, addressOf, agentKey, splitKey } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { demoAgents } from '../src/demo/agents.ts';
import { type Delivery, addressOfDelivery, longestSleep, readDeliveries } from '../src/demo/deliveries.ts';
import { type PlainState, digestOf, plainState } from '../src/demo/digest.ts';
import { foldStates } from '../src/demo/fold.ts';

const deliveries = readDeliveries();
const definitions = new Map(demoAgents('http://unused.invalid').map((definition) => [definition.type, definition]));

/** Runs the machines over deliveries in memory, each message between agents as soon as it is sent. */
function runMachines(input: readonly Delivery[]): Map<string, PlainState> {
  const snapshots = new Map<AgentKey, AgentSnapshot>();
  const deliver = (key: AgentKey, event: AgentEvent): void => {
    const definition = definitions.get(splitKey(key).type);
    if (definition === undefined) throw new Error(`no agent type for ${key}`);
    const step = applyEvent(definition, snapshots.get(key) ?? initialStep(definition, key).snapshot, event);
    if (!step.handled) throw new Error(`${key} does not handle ${event.type}`);
    snapshots.set(key, step.snapshot);
    for (const output of step.outputs) {
      if (output.kind === 'send') deliver(output.to, output.event);
      if (output.kind === 'effect') deliver(key, { type: `xstate.done.actor.${output.id}`, actorId: output.id });
    }
  };
  for (const { agentType, agentId, event, id, payload } of input)
    deliver(agentKey(agentType, agentId), { ...payload, delivery: id, type: event });
  return new Map([...snapshots].map(([key, snapshot]) => [addressOf(key), plainState(snapshot)]));
}

describe('the recorded deliveries', () => {
  test('are 329 of 58 event types, 324 of them distinct', () => {
    expect(deliveries).toHaveLength(329);
    expect(new Set(deliveries.map(({ payload }) => JSON.stringify(payload))).size).toBe(324);
    expect(new Set(deliveries.map(({ id }) => id.split(':')[1])).size).toBe(58);
    expect(new Set(deliveries.map(({ id }) => id)).size).toBe(329);
  });

  test('are about 46 agents, of which 32 get several', () => {
    const counts = new Map<string, number>();
    for (const address of deliveries.map(addressOfDelivery)) counts.set(address, (counts.get(address) ?? 0) + 1);

    expect(counts.size).toBe(46);
    expect([...counts.values()].filter((count) => count > 1)).toHaveLength(32);
  });

  test('let one agent sleep for 880 days, longer than any other', () => {
    const { address, fromMs, untilMs } = longestSleep(deliveries);

    expect(address).toBe('issue/Codertocat/Hello-World#1');
    expect(new Date(fromMs).toISOString()).toBe('2019-05-15T15:20:28.000Z');
    expect(new Date(untilMs).toISOString()).toBe('2021-10-11T16:40:56.000Z');
    expect(Math.floor((untilMs - fromMs) / 86_400_000)).toBe(880);
  });

  test('come in the same order every time, the earliest first', () => {
    expect(readDeliveries().map(({ id }) => id)).toEqual(deliveries.map(({ id }) => id));
    expect(deliveries.map(({ orderMs }) => orderMs)).toEqual(
      deliveries.map(({ orderMs }) => orderMs).toSorted((a, b) => a - b),
    );
  });

  test('are far below the size limit of an event', () => {
    expect(Math.max(...deliveries.map(({ payload }) => JSON.stringify(payload).length))).toBeLessThan(32 * 1024);
  });
});

describe('the machines and the plain fold', () => {
  test('come to the same states', () => {
    const machines = runMachines(deliveries);
    const fold = foldStates(deliveries);

    expect(Object.fromEntries(machines)).toEqual(Object.fromEntries(fold));
    expect(digestOf(machines)).toBe(digestOf(fold));
  });

  test.each([
    ['lost', [...deliveries.slice(0, 200), ...deliveries.slice(201)]],
    ['doubled', [...deliveries.slice(0, 200), deliveries[200] as Delivery, ...deliveries.slice(200)]],
    ['out of order', swapped(deliveries)],
  ])('differ when a delivery is %s', (_what, damaged) => {
    expect(digestOf(runMachines(damaged))).not.toBe(digestOf(foldStates(deliveries)));
  });

  test('do not depend on the order in which reports of different agents arrive', () => {
    const byAgent = [...Map.groupBy(deliveries, addressOfDelivery).values()].flat();

    expect(digestOf(runMachines(byAgent))).toBe(digestOf(foldStates(deliveries)));
  });
});

/** Two neighbouring deliveries of one agent, exchanged. */
function swapped(input: readonly Delivery[]): readonly Delivery[] {
  const i = input.findIndex((one, at) => one.agentId === input[at + 1]?.agentId && one.event !== input[at + 1]?.event);
  return [...input.slice(0, i), input[i + 1] as Delivery, input[i] as Delivery, ...input.slice(i + 2)];
}
