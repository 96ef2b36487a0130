/**
 * What `wakebus dev` and the process that runs the agents say to each other, over the channel that
 * Node.js gives to a child.
 */
import type { AgentDefaults } from '@wakebus/protocol';

/** From the child. */
export type FromNode =
  /** The file is loaded and its agents are fine; local files that it consists of. */
  | { readonly kind: 'loaded'; readonly agents: readonly LoadedAgent[]; readonly files: readonly string[] }
  /** The file could not be loaded, or holds no agents. */
  | { readonly kind: 'refused'; readonly reason: string; readonly files: readonly string[] }
  /** All agents that exist would wake with it, or why not. */
  | { readonly kind: 'checked'; readonly misfit?: string }
  /** The placement node runs. */
  | { readonly kind: 'serving'; readonly nodeId: string }
  /** It could not be started. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Where the agents are to be served, and with which defaults. */
export interface DevDeployment {
  readonly servers: string;
  readonly prefix?: string;
  readonly agentDefaults?: AgentDefaults;
}

/** To the child. */
export type ToNode =
  | { readonly kind: 'check' | 'start'; readonly deployment: DevDeployment }
  | { readonly kind: 'drain' };

/** One agent type of a file. */
export interface LoadedAgent {
  readonly type: string;
  readonly version: number;
  readonly events: readonly string[];
}
