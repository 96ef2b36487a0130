/**
 * What the audit keeps: who did what to which agent or agent type, when, why, and what came of it.
 *
 * An action is written down before it is begun (`asked`) and once more when its outcome is known: a crash
 * in between leaves the first entry, never an action that nobody knows of. What is refused before it is begun is
 * one entry (`refused`). Triggers that were refused at the door are in it too, many of a kind in one entry.
 */

/** A trigger that was refused at the door: a sender's event, or a webhook's delivery. Those that are taken are in history. */
export type TriggerAction = 'send' | 'deliver';

/** What an operator can do; and what anyone can try. */
export type AuditAction =
  | TriggerAction
  | 'suspend'
  | 'release'
  | 'recover'
  | 'remove'
  | 'resolve'
  | 'fire'
  | 'clear'
  | 'replay'
  | 'discard'
  | 'disable'
  | 'enable'
  | 'snapshot'
  | 'restore'
  | 'fork';

/** One entry, MessagePack. */
export interface AuditEntry {
  readonly v: 1;
  /** The same in both entries of one action. */
  readonly id: string;
  readonly action: AuditAction;
  /** An agent's address, the name of an agent type, the target of effects, or the path of an endpoint, as `/hooks/github`. */
  readonly target: string;
  /** Who says so: a name that the operator's own tool gives, which nobody has checked. */
  readonly by: string;
  readonly reason?: string;
  readonly outcome: 'asked' | 'done' | 'failed' | 'refused';
  /** Of one that failed or was refused: the code of the error. */
  readonly code?: string;
  /** What else is to be known: which dead letter, which effect; how many triggers were refused since the entry before (`count`). */
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}
