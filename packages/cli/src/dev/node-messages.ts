/**
 * What `wakebus dev` and the process that runs the agents say to each other, over the channel that
 * Node.js gives to a child.
 */

/** From the child. */
export type FromNode =
  /** The file is loaded and its agents are fine; local files that it consists of. */
  | { readonly kind: 'loaded'; readonly agents: readonly LoadedAgent[]; readonly files: readonly string[] }
  /** The file could not be loaded, or holds no agents. */
  | { readonly kind: 'refused'; readonly reason: string; readonly files: readonly string[] }
  /** The placement node runs. */
  | { readonly kind: 'serving'; readonly nodeId: string }
  /** It could not be started. */
  | { readonly kind: 'failed'; readonly reason: string };

/** To the child. */
export type ToNode =
  | { readonly kind: 'start'; readonly servers: string; readonly prefix?: string }
  | { readonly kind: 'drain' };

/** One agent type of a file. */
export interface LoadedAgent {
  readonly type: string;
  readonly version: number;
  readonly events: readonly string[];
}
