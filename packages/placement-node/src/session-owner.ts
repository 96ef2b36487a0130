/** What a session needs of the table that it stands in. */
import type { AgentKey } from '@wakebus/protocol';
import type { Lane } from './lane.ts';
import type { Doorbell } from './mailbox.ts';
import type { Session } from './session.ts';

/** How the table of sessions is told what becomes of one. */
export interface SessionOwner {
  readonly lane: Lane;
  /** The session is over and holds nothing any more. */
  onGone(session: Session): void;
  /** Drops a session without a word in the record, which goes on saying that the agent runs here. */
  lose(session: Session): void;
  /** Another living node runs this agent: its doorbells go there. @returns whether that node took them. */
  forward(nodeId: string, key: AgentKey, doorbells: readonly Doorbell[]): Promise<boolean>;
  /** Asks a living holder to give the agent up, and waits for it within bounds. */
  requestRelease(holder: string, key: AgentKey): Promise<void>;
  /** Whether this node should run the agent, as far as it sees. */
  isFirst(key: AgentKey): boolean;
}
