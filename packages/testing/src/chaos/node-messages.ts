/**
 * What a run and its placement nodes say to each other.
 */

/** Where a placement node can be met, beside while it does nothing. */
export type Step =
  | 'turn'
  | 'in flight'
  | 'commit'
  | 'effect'
  | 'result'
  | 'relay'
  | 'acknowledge'
  | 'dehydrate'
  | 'hand-over';

/** What happens to a process at a step. */
export type Blow = 'SIGKILL' | 'SIGSTOP';

/** What a placement node's process is started with, as JSON in its first argument. */
export interface NodeSetting {
  readonly name: string;
  readonly servers: readonly string[];
  /** Deployments to serve, by prefix. */
  readonly prefixes: readonly string[];
}

/** To a node. */
export type ToNode =
  /** Strike yourself when you have come to this step so many times more. Without one: no longer. */
  | { readonly kind: 'arm'; readonly step?: Step; readonly blow: Blow; readonly skip: number }
  /** Shift the wall clock by so much from the true time, in milliseconds. */
  | { readonly kind: 'shift'; readonly byMs: number }
  | { readonly kind: 'look' }
  | { readonly kind: 'drain' };

/** What a node says of itself when it is asked. */
export interface NodeLook {
  readonly sessions: number;
  readonly mayAct: boolean;
  /** Codes of what its health names. */
  readonly problems: readonly string[];
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly handles: number;
}

/** From a node. */
export type FromNode =
  | { readonly kind: 'ready'; readonly nodeId: string }
  | { readonly kind: 'armed' }
  | { readonly kind: 'shifted' }
  | ({ readonly kind: 'looked' } & NodeLook)
  | { readonly kind: 'drained' };
