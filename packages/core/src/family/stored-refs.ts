/**
 * References in contexts: an actor that was spawned by `assign` is often kept in the context. It is stored
 * as a mark with its name, and is a reference again after a sleep.
 */
import type { AnyActorRef } from 'xstate';
import { referentOf } from './actor-ref.ts';

/** As XState marks a reference in what it persists, and by which actor of the agent it is. */
interface StoredRef {
  readonly xstate$$type: 1;
  readonly id: string;
  readonly sessionId: string;
}

type Change = (value: object) => unknown;

/** A context with marks for references; the same object where it holds none. */
export function storeRefs(context: unknown): unknown {
  return walk(context, (value) => {
    if (referentOf(value) === undefined) return value;
    const { id, sessionId } = value as AnyActorRef;
    return { xstate$$type: 1, id, sessionId } satisfies StoredRef;
  });
}

/** A context with references for marks; the same object where it holds none. @param refOf - The reference of an actor or effect. */
export function reviveRefs(
  context: unknown,
  refOf: (sessionId: string, id: string) => AnyActorRef | undefined,
): unknown {
  return walk(context, (value) => {
    const { xstate$$type: mark, id, sessionId } = value as Partial<StoredRef>;
    return mark === 1 && id !== undefined && sessionId !== undefined ? refOf(sessionId, id) : value;
  });
}

function walk(value: unknown, change: Change, done: Map<object, unknown> = new Map()): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (done.has(value)) return done.get(value);
  const changed = change(value);
  // Set before the parts are looked at: a cycle is refused by the codec, with its path.
  done.set(value, changed);
  if (changed !== value) return changed;
  const whole = walkParts(value, (part) => walk(part, change, done));
  done.set(value, whole);
  return whole;
}

function walkParts(value: object, walkPart: (part: unknown) => unknown): unknown {
  if (Array.isArray(value)) {
    const parts = value.map(walkPart);
    return parts.some((part, i) => part !== value[i]) ? parts : value;
  }
  if (value instanceof Map) {
    const entries = [...value].map(([key, part]) => [key, walkPart(part)] as const);
    return entries.some(([key, part]) => part !== value.get(key)) ? new Map(entries) : value;
  }
  if (value instanceof Set) {
    const parts = [...value].map(walkPart);
    return parts.some((part) => !value.has(part)) ? new Set(parts) : value;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, part] of Object.entries(value)) {
    const next = walkPart(part);
    if (next !== part) (copy ??= { ...value })[key] = next;
  }
  return copy ?? value;
}
