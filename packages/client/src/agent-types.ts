/**
 * Types only: what of an agent definition the client reads, so that events and contexts are typed
 * without importing the agent's code, XState or `@wakebus/core`.
 *
 * The shapes are structural. A definition of `@wakebus/core` fits them; so does `{ type: 'issue' }`,
 * whose events are then untyped.
 */
import type { AgentEvent } from '@wakebus/protocol';

/** An agent definition, as far as a client needs it. */
export interface AgentToken {
  readonly type: string;
  readonly machine?: unknown;
}

/** Agent definitions by type name: what `createClient<{ issue: typeof issueAgent }>` takes. */
export type AgentMap = Readonly<Record<string, AgentToken>>;

/** How every XState machine declares its events and snapshots. A method, so that its parameters may be inferred. */
interface Transitions<TSnapshot, TEvent> {
  transition(snapshot: TSnapshot, event: TEvent, scope: never): unknown;
}

/** Events of an agent; untyped where its machine is not known. */
export type EventOf<A extends AgentToken> = A extends { readonly machine: Transitions<never, infer E> }
  ? E extends { readonly type: string }
    ? E
    : AgentEvent
  : AgentEvent;

/** Context of an agent's machine; `unknown` where it is not known. */
export type ContextOf<A extends AgentToken> = A extends { readonly machine: Transitions<infer S, never> }
  ? S extends { readonly context: infer C }
    ? C
    : unknown
  : unknown;
