import { expect, test } from 'vitest';
import { checkEvent, isReserved } from '../src/mod.ts';
import { failing } from './failing.ts';

test.each(['xstate.stop', 'xstate.init', 'xstate.after.1000.m.a', 'xstate.done.actor.x', 'xstate.', 'wakebus.control'])(
  '%s may not come from outside',
  (type) => {
    expect(isReserved(type)).toBe(true);
    expect(failing('RESERVED_EVENT', () => checkEvent({ type }))).toEqual({ event: type });
  },
);

test.each(['go', 'xstate', 'wakebus', 'xstated.x', 'my.xstate.x', 'XSTATE.stop', '__proto__'])('%s may', (type) => {
  expect(isReserved(type)).toBe(false);
  expect(() => checkEvent({ type })).not.toThrow();
});

test.each(['*', ''])('%j is no name of an event: XState would take it for something else', (type) => {
  failing('INVALID_EVENT', () => checkEvent({ type }));
});
