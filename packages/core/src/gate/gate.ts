/**
 * Gates: whether an event is worth a wake, decided before the agent's state is decoded.
 *
 * An agent type has an ordered list of rules. The first that has an opinion decides; where none has one,
 * the event wakes the agent. Rules are pure: the time comes in, and what a rule wants to remember stands in
 * the agent's record. The built-in rules are in `rules.ts` and `flow-rules.ts`.
 */
import type { AgentEvent, GateState, Headers, RecordLifecycle } from '@wakebus/protocol';

/** An event at the gate. */
export interface GateEvent {
  readonly event: AgentEvent;
  readonly headers: Headers;
  readonly sizeBytes: number;
  /** The address of the agent that sent it, or `undefined` for one from outside. */
  readonly from: string | undefined;
  /** When the server stored it, in milliseconds since the epoch: the time that rules of the event alone go by, so that a repeated delivery gets the same answer. */
  readonly storedMs: number;
  /** The caller's message ID, if it gave one, else the sequence: the same whenever the event is looked at again. */
  readonly id: string;
}

/** What a gate may know of an agent: the parts of its record that are not its snapshot. */
export interface GateAgent {
  readonly address: string;
  readonly nowMs: number;
  readonly lifecycle: RecordLifecycle['name'];
  /** The state value after its last turn; `undefined` for one that is not born yet. */
  readonly state: unknown;
  /** Tags of its present states. */
  readonly tags: readonly string[];
  readonly turns: number;
  readonly bornMs: number;
  /** When its last turn was, in milliseconds since the epoch. */
  readonly lastTurnMs: number;
  /** Whether some present state has a transition for events of a type, be it behind a guard. Types that the machine knows nowhere are its own to refuse. */
  readonly takes: (eventType: string) => boolean;
  /** What this rule remembered last, in this agent's record. */
  readonly memory: unknown;
  /** Events that wait at the gate already, by group. */
  readonly waiting: (group: string) => readonly WaitingEvent[];
}

/** An event that waits at the gate. */
export interface WaitingEvent {
  readonly type: string;
  /** When it began to wait, in milliseconds since the epoch. */
  readonly sinceMs: number;
}

/**
 * What a rule says. `pass`: no objection, ask the next rule. `wake`: let it in, whatever later rules say.
 * `drop`: the agent never sees it, and a caller gets `EVENT_GATED` with the reason. `defer`: it waits in the
 * record, until a time, or without one until the agent's state has changed. `merge`: it waits with the others
 * of its group, and all are taken in one turn at the group's time; a later time moves the group's.
 */
export type Verdict = Pass | Wake | Drop | Defer | Merge;

interface Remembering {
  /** What the rule remembers from now on, in this agent's record. Not remembered is what the machine then throws on. */
  readonly remember?: unknown;
}

interface Pass extends Remembering {
  readonly kind: 'pass';
}

interface Wake extends Remembering {
  readonly kind: 'wake';
}

interface Drop extends Remembering {
  readonly kind: 'drop';
  readonly reason: string;
}

interface Defer extends Remembering {
  readonly kind: 'defer';
  readonly reason: string;
  /** In milliseconds since the epoch. */
  readonly untilMs?: number;
}

interface Merge extends Remembering {
  readonly kind: 'merge';
  readonly reason: string;
  readonly group: string;
  /** In milliseconds since the epoch. */
  readonly untilMs: number;
  /** Whether it takes the place of those that wait already. @default "all" */
  readonly keep?: 'all' | 'last';
}

/** A rule that looks at the event alone. It is asked at the door, where nothing of the agent has been read. */
export interface EventRule {
  readonly name: string;
  readonly sees: 'event';
  readonly judge: (event: GateEvent) => Pass | Wake | Drop | undefined;
}

/** A rule that also looks at the agent, as its record says. */
export interface AgentRule {
  readonly name: string;
  readonly sees: 'agent';
  readonly judge: (event: GateEvent, agent: GateAgent) => Verdict | undefined;
}

/** A rule that asks somebody, such as a small model, and waits for the answer before the turn is taken. It may be asked again after a crash. */
export interface AskingRule {
  readonly name: string;
  readonly sees: 'agent';
  readonly ask: (event: GateEvent, agent: GateAgent, signal: AbortSignal) => Promise<Verdict | undefined>;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What holds when it throws or takes longer. */
  readonly onFailure: Verdict;
}

/** One rule of a gate. Names are unique within a gate: they stand in history and metrics. */
export type GateRule = EventRule | AgentRule | AskingRule;

/** The gate of an agent with no memory yet. */
export const OPEN_GATE: GateState = { memory: {}, waiting: [] };

/** Says what is wrong with a gate, as the end of a sentence, or nothing. */
export function gateFault(gate: unknown): string | undefined {
  if (!Array.isArray(gate)) return 'write a list of rules';
  const names = new Set<string>();
  for (const [i, rule] of (gate as Array<Readonly<Record<string, unknown>> | null>).entries()) {
    const name = rule?.['name'];
    if (typeof name !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(name))
      return `rule ${i} needs a name of 1 to 64 of A-Z a-z 0-9 _ -`;
    if (names.has(name)) return `two rules are named "${name}"`;
    if (rule?.['sees'] !== 'event' && rule?.['sees'] !== 'agent') return `rule "${name}" must see "event" or "agent"`;
    if (typeof rule['judge'] !== 'function' && typeof rule['ask'] !== 'function')
      return `rule "${name}" has neither judge() nor ask()`;
    names.add(name);
  }
  return undefined;
}
