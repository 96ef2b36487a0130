/**
 * What stands for an effect among a snapshot's children: XState looks there when a state is left, to know
 * what it stops. Stubs are made from the journal, run nothing and are never started.
 */
import type { AnyActorRef } from 'xstate';
import type { AgentSnapshot } from './interpreter.ts';

const stubs = new WeakSet<object>();

/** The snapshot with just these children; the same object where it has no others. */
export function withChildren(snapshot: AgentSnapshot, ids: readonly string[]): AgentSnapshot {
  const present = Object.keys(snapshot.children).length;
  const isSame = present === ids.length && ids.every((id) => isStub(snapshot.children[id]));
  if (isSame) return snapshot;
  const children = Object.fromEntries(ids.map((id) => [id, stubOf(id)]));
  return { ...snapshot, children } as AgentSnapshot;
}

/** Whether a child is one of these. */
export function isStub(child: unknown): boolean {
  return typeof child === 'object' && child !== null && stubs.has(child);
}

function stubOf(id: string): AnyActorRef {
  const stub = { id, send: noReceiver, getSnapshot: () => ({ status: 'active' }) };
  stubs.add(stub);
  return stub as unknown as AnyActorRef;
}

function noReceiver(): never {
  throw new Error('an effect takes no events: give it all it needs as input');
}
