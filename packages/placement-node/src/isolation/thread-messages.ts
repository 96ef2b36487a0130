/** What a placement node and a thread that takes turns say to each other. */
import type { AnyAgentDefinition } from '@wakebus/core';
import type { LayoutOptions } from '@wakebus/protocol';

/** What a thread is started with. */
export interface ThreadData {
  /** Tells a thread of ours from every other: such a one must not start a placement node. */
  readonly wakebusTurns: true;
  readonly module: string;
  readonly export: string;
  readonly type: string;
  readonly version: number;
  /** As the placement node has it: its defaults may be others than the module's. */
  readonly retry: AnyAgentDefinition['retry'];
  readonly layout: Required<LayoutOptions>;
  /** One number, shared: the sequence of the message that the machine has in hand, from 1; or {@link IDLE}, or {@link OPENING}. */
  readonly progress: SharedArrayBuffer;
}

/** The thread has not begun what it was given. */
export const IDLE = -1n;
/** It has begun, and no message is in hand yet. */
export const OPENING = 0n;

/** To the thread. */
export type ThreadOrder =
  | { readonly kind: 'turn'; readonly id: number; readonly job: Uint8Array }
  | { readonly kind: 'act'; readonly id: number };

/** From the thread. */
export type ThreadReport =
  | { readonly kind: 'ready' }
  /** The module does not give what it should. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'taken'; readonly result: Uint8Array }
  | { readonly kind: 'acted'; readonly errors: readonly string[] };

/** Whether data of a thread is {@link ThreadData}. */
export function isThreadData(data: unknown): data is ThreadData {
  return typeof data === 'object' && data !== null && (data as Partial<ThreadData>).wakebusTurns === true;
}
