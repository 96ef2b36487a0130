/**
 * What the demo and its placement nodes say to each other over the process channel.
 */
import type { AgentKey } from '@wakebus/protocol';

/** What a placement node's process is started with, as JSON in its first argument. */
export interface NodeSetting {
  readonly servers: string;
  readonly name: string;
  /** Where its agents post their summaries. */
  readonly githubUrl: string;
  readonly sabotage: { readonly dedupe?: boolean; readonly cas?: boolean };
}

/** To a node. `arm`: stop in front of the next commit of this agent, or of none. */
export type ToNode = { readonly kind: 'arm'; readonly key: AgentKey | undefined } | { readonly kind: 'drain' };

/** From a node. `stopping`: its process stops itself right after this. */
export type FromNode =
  | { readonly kind: 'ready' }
  | { readonly kind: 'armed' }
  | { readonly kind: 'stopping'; readonly key: AgentKey }
  | { readonly kind: 'drained' };
