/** A value from outside as an event. */
import type { AgentEvent } from './messages.ts';

/** An object's fields become fields of the event, whose name they cannot change; anything else becomes its `data`. */
export function eventOf(type: string, value: unknown): AgentEvent {
  if (value === undefined) return { type };
  if (isPlainObject(value)) return { ...value, type };
  return { type, data: value };
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
