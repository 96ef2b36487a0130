/** What a session needs of the table that it stands in, and how its doorbells go to another node. */
import type { AgentKey } from '@wakebus/protocol';
import type { Lane } from './lane.ts';
import type { Doorbell } from './mailbox.ts';
import type { NodeContext } from './node-context.ts';
import type { PausedSessions } from './paused-sessions.ts';
import type { Session } from './session.ts';

/** How the table of sessions is told what becomes of one. */
export interface SessionOwner {
  /** Turns that wait for their commit. */
  readonly lane: Lane;
  readonly paused: PausedSessions;
  /** Agents that are being woken. */
  readonly waking: Lane;
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

/** Hands all doorbells to another node, those too that come meanwhile. @returns whether it took them. */
export async function passOn(
  context: NodeContext,
  owner: SessionOwner,
  { key, mailbox }: Session,
  nodeId: string,
): Promise<boolean> {
  do {
    const handed = mailbox.takeDoorbells(Number.MAX_SAFE_INTEGER);
    if (await owner.forward(nodeId, key, handed)) continue;
    for (const doorbell of handed) mailbox.addDoorbell(doorbell, context.ports.clock.monotonicMs());
    return false;
  } while (mailbox.doorbells.length > 0);
  return true;
}
