import type { AgentEvent } from '@wakebus/protocol';
import type { AgentHandle, Client, ContextOf, EventOf } from '@wakebus/client';
import { describe, expectTypeOf, test } from 'vitest';
import type { counter } from './counter-agent.ts';

type Counter = typeof counter;
type ByType = AgentHandle<EventOf<{ type: string }>>;
type Sent<H> = H extends AgentHandle<infer E> ? E : never;

describe('events and contexts flow from a definition as types', () => {
  test('through the client’s map of agents', () => {
    type Handle = ReturnType<typeof byName>;
    const byName = (client: Client<{ counter: Counter }>) => client.agent('counter', 'a');

    expectTypeOf<Sent<Handle>>().toEqualTypeOf<EventOf<Counter>>();
    expectTypeOf<{ type: 'add'; by: number }>().toExtend<Sent<Handle>>();
    expectTypeOf<{ type: 'add'; by: string }>().not.toExtend<Sent<Handle>>();
    expectTypeOf<{ type: 'dance' }>().not.toExtend<Sent<Handle>>();
  });

  test('through a definition given by hand', () => {
    const byDefinition = (client: Client, definition: Counter) => client.agent(definition, 'a');

    expectTypeOf<Sent<ReturnType<typeof byDefinition>>>().toEqualTypeOf<EventOf<Counter>>();
  });

  test('into what is inspected', () => {
    expectTypeOf<ContextOf<Counter>>().toEqualTypeOf<{ total: number; seen: string[] }>();
  });

  test('and are loose where only a name is known', () => {
    expectTypeOf<Sent<ByType>>().toEqualTypeOf<AgentEvent>();
    expectTypeOf<ContextOf<{ type: 'x' }>>().toEqualTypeOf<unknown>();
  });
});
