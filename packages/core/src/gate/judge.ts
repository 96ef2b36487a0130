/** A gate's rules in order over one event: the first that has an opinion decides. Pure. */
import type { GateState } from '@wakebus/protocol';
import type { AskingRule, EventRule, GateAgent, GateEvent, GateRule, Verdict } from './gate.ts';

/** What is known of the agent, without what is one rule's own. */
export type AgentFacts = Omit<GateAgent, 'memory' | 'waiting'>;

/** What a gate says of an event. */
export interface Judgement {
  readonly verdict: Exclude<Verdict, { kind: 'pass' }>;
  /** The rule that decided; empty where none had an opinion. */
  readonly rule: string;
  /** What rules remember from now on. */
  readonly memory: GateState['memory'];
}

/** A rule that must be asked before the gate can say anything. */
export interface Question {
  readonly kind: 'question';
  readonly rule: string;
  readonly ask: (signal: AbortSignal) => Promise<Verdict | undefined>;
  readonly timeoutMs: number;
  readonly onFailure: Verdict;
  /** What the rules before it remember from now on. */
  readonly memory: GateState['memory'];
}

/** Answers to questions about one event, by rule. */
export type Answers = ReadonlyMap<string, Verdict>;

const NO_ANSWERS: Answers = new Map();
const WAKE = Object.freeze({ kind: 'wake' });

/** Asks the rules in order. A rule that throws has no opinion: a mistake in a gate must not lose events. */
export function judge(
  gate: readonly GateRule[],
  event: GateEvent,
  facts: AgentFacts,
  state: GateState,
  answers: Answers = NO_ANSWERS,
): Judgement | Question {
  let { memory } = state;
  for (const rule of gate) {
    const agent = rule.sees === 'agent' ? agentFor(facts, { ...state, memory }, rule.name) : undefined;
    let verdict: Verdict | undefined;
    if ('ask' in rule) {
      verdict = answers.get(rule.name);
      if (verdict === undefined) return questionOf(rule, event, agent as GateAgent, memory);
    } else verdict = quietly(() => rule.judge(event, agent as GateAgent));
    if (verdict === undefined) continue;
    if (verdict.remember !== undefined) memory = { ...memory, [rule.name]: verdict.remember };
    if (verdict.kind !== 'pass') return { verdict, rule: rule.name, memory };
  }
  return { verdict: WAKE, rule: '', memory };
}

/**
 * What the rules at the front of a gate say that see the event alone.
 *
 * @returns why it is dropped, or `undefined` where the agent must be looked at.
 */
export function judgeAtDoor(
  gate: readonly GateRule[],
  event: GateEvent,
): { readonly rule: string; readonly reason: string } | undefined {
  for (const rule of gate) {
    if (rule.sees !== 'event') return undefined;
    const verdict = quietly(() => rule.judge(event));
    if (verdict?.kind === 'drop') return { rule: rule.name, reason: verdict.reason };
    if (verdict?.kind === 'wake') return undefined;
  }
  return undefined;
}

/** Whether some rule may say something before anything of the agent is read. */
export function hasDoor(gate: readonly GateRule[]): boolean {
  return gate[0]?.sees === 'event';
}

/** A group's name in the record and in its timer: rules do not see each other's. */
export function groupName(rule: string, group: string | number): string {
  return `${rule}.${group}`;
}

function agentFor(facts: AgentFacts, state: GateState, rule: string): GateAgent {
  return {
    ...facts,
    memory: state.memory[rule],
    waiting: (group) =>
      state.waiting
        .filter((entry) => entry.group === groupName(rule, group))
        .map(({ event, sinceMs }) => ({ type: event.type, sinceMs })),
  };
}

function questionOf(rule: AskingRule, event: GateEvent, agent: GateAgent, memory: GateState['memory']): Question {
  const { name, timeoutMs, onFailure } = rule;
  const ask = (signal: AbortSignal): Promise<Verdict | undefined> => rule.ask(event, agent, signal);
  return { kind: 'question', rule: name, ask, timeoutMs, onFailure, memory };
}

function quietly(say: () => ReturnType<EventRule['judge']> | Verdict): Verdict | undefined {
  try {
    return say();
  } catch {
    return undefined;
  }
}
