/**
 * The gate within a turn: what it says of each event in sequence order, on the agent as it stands before it.
 *
 * While the snapshot is still bytes (`memory.isUndecoded`) nothing here touches it. What waits at the gate
 * stands in the record, and comes back by a timer or when the agent's state has changed.
 */
import {
  type AgentEvent,
  type GateState,
  type GatedEvent,
  type WakebusError,
  addressOf,
  errorJson,
  hasSnapshot,
} from '@wakebus/protocol';
import type { StateValue } from 'xstate';
import { indexOf } from '../machine-index.ts';
import { type GateEvent, OPEN_GATE, type Verdict } from '../gate/gate.ts';
import { type AgentFacts, type Judgement, type Question, groupName, judge } from '../gate/judge.ts';
import type { TurnDraft, TurnEnvironment } from './draft.ts';
import { giveUp } from './give-up.ts';
import { type Inbound, type InboundOf, eventIn } from './inbound.ts';
import { type StepFacts, StateNeeded, historyOf, step, turnError } from './machine-step.ts';
import type { AgentMemory } from './memory.ts';

/** What the machine may be asked to take. */
type EventInbound = InboundOf<'event' | 'message'>;

/** The type of the event with which a group's timer fires. */
const DUE = 'wakebus.gate';
/** Events that may wait at one gate. More than this, and the next one lets all of them in: the record must stay small. */
const MOST_WAITING = 256;
/** Bytes of events that may wait at one gate, for the same reason. */
const MOST_WAITING_BYTES: number = 128 * 1024;

/** What a gate has done with one event, for metrics. */
export interface GateNote {
  readonly rule: string;
  readonly verdict: 'drop' | 'defer' | 'merge';
  readonly source: EventInbound['kind'];
}

/**
 * Takes an event to the gate, and past it into the machine. What the gate keeps back is dealt with here.
 *
 * @throws whatever the machine throws; the gate then remembers nothing of it.
 */
export function stepThroughGate(draft: TurnDraft, inbound: EventInbound, event: AgentEvent, facts: StepFacts): void {
  if (draft.memory.definition.gate.length === 0) return void step(draft, inbound, event, facts);
  const { memory } = draft.gate;
  try {
    if (passes(draft, inbound, event, facts)) step(draft, inbound, event, facts);
  } catch (thrown) {
    draft.gate = { ...draft.gate, memory };
    throw thrown;
  }
}

function passes(draft: TurnDraft, inbound: EventInbound, event: AgentEvent, facts: StepFacts): boolean {
  const judgement = settled(judgeInbound(draft.memory, factsOf(draft), draft.gate, inbound, draft.env.answers));
  draft.gate = { ...draft.gate, memory: judgement.memory };
  const { verdict, rule } = judgement;
  if (verdict.kind === 'wake') return true;
  if (verdict.kind !== 'drop' && isFull(draft.gate, inbound)) {
    if (draft.memory.isUndecoded === true) throw new StateNeeded();
    releaseAll(draft);
    return true;
  }
  draft.gated.push({ rule, verdict: verdict.kind, source: inbound.kind });
  const note = { gate: { rule, verdict: verdict.kind, reason: verdict.reason } };
  draft.history.push({ ...historyOf(inbound, event, facts), ...note });
  draft.outputNames.push(`${verdict.kind} by gate ${rule}`);
  if (verdict.kind === 'drop') refuse(draft, inbound, event.type, rule, verdict.reason);
  else keep(draft, waitingEntry(draft, inbound, event, judgement), verdict);
  return false;
}

/** The first question that a rule has about a message, as the agent stands before the turn. */
export function questionAbout(memory: AgentMemory, inbound: Inbound, env: TurnEnvironment): Question | undefined {
  if (inbound.kind !== 'event' && inbound.kind !== 'message') return undefined;
  const facts = recordFacts(memory, env.nowMs);
  const asked = judgeInbound(memory, facts, memory.record.gate ?? OPEN_GATE, inbound, env.answers);
  return 'kind' in asked ? asked : undefined;
}

/** Whether a rule must be asked about a message, as the agent stands in the middle of a turn. */
export function isInQuestion(draft: TurnDraft, inbound: Inbound): boolean {
  if (inbound.kind !== 'event' && inbound.kind !== 'message') return false;
  if (!draft.memory.definition.gate.some((rule) => 'ask' in rule)) return false;
  return 'kind' in judgeInbound(draft.memory, factsOf(draft), draft.gate, inbound, draft.env.answers);
}

/** Whether a group's time has come: its events are taken, all in this turn. @throws whatever the machine throws, with the rest still waiting. */
export function takeGroup(draft: TurnDraft, event: AgentEvent): boolean {
  if (event.type !== DUE) return false;
  for (const entry of inGroup(draft.gate, event['group'])) {
    const before = draft.gate;
    draft.gate = without(draft.gate, entry);
    try {
      step(draft, asInbound(entry), entry.event, factsOfEntry(entry));
    } catch (thrown) {
      draft.gate = before;
      throw thrown;
    }
  }
  return true;
}

/** The message that is to blame when a timer's turn fails again and again: of a group, its first event. */
export function blamed(draft: TurnDraft, inbound: Inbound): Inbound {
  if (inbound.kind !== 'timer') return inbound;
  const timer = draft.timers.find(({ generation }) => generation === inbound.fire.generation);
  const [head] = timer?.event.type === DUE ? inGroup(draft.gate, timer.event['group']) : [];
  if (timer === undefined || head === undefined) return inbound;
  draft.gate = without(draft.gate, head);
  draft.armAt(timer.id, draft.env.nowMs, { event: timer.event });
  return asInbound(head);
}

/** The next event that waited for another state and need not wait any more. */
export function takeReady(draft: TurnDraft): GatedEvent | undefined {
  if (draft.judgedAt === draft.snapshot) return undefined;
  let facts: AgentFacts | undefined;
  for (const entry of draft.gate.waiting) {
    if (entry.group !== undefined) continue;
    facts ??= factsOf(draft);
    const { verdict } = settled(judgeInbound(draft.memory, facts, draft.gate, asInbound(entry), undefined));
    if (verdict.kind === 'defer' && verdict.untilMs === undefined) continue;
    draft.gate = without(draft.gate, entry);
    return entry;
  }
  draft.judgedAt = draft.snapshot;
  return undefined;
}

/** Lets in an event that {@link takeReady} gave, or gives it up when the machine throws: its place in the mailbox is past. */
export function applyReady(draft: TurnDraft, entry: GatedEvent): void {
  const inbound = asInbound(entry);
  try {
    step(draft, inbound, entry.event, factsOfEntry(entry));
  } catch (thrown) {
    giveUp(draft, inbound, turnError(draft, inbound, thrown), 1);
  }
}

/** A caller asks again for an event that waits: it is answered there, once the event has been taken. @returns whether there is such an event. */
export function asksForWaiting(draft: TurnDraft, { messageId, reply }: Inbound): boolean {
  const entry = draft.gate.waiting.find((waiting) => waiting.messageId === messageId);
  if (entry === undefined || reply === undefined) return false;
  const waiting = draft.gate.waiting.map((other) => (other === entry ? { ...entry, reply } : other));
  draft.gate = { ...draft.gate, waiting };
  return true;
}

/** Gives up everything that waits: the agent's life is over. */
export function closeGate(draft: TurnDraft, error: WakebusError): void {
  for (const entry of draft.gate.waiting) {
    if (entry.group !== undefined) draft.cancel(timerId(entry.group));
    giveUp(draft, asInbound(entry), error, 0);
  }
  draft.gate = { ...draft.gate, waiting: [] };
}

/** Tags of the agent's present states, in order; none takes no room. */
export function tagsOf(draft: TurnDraft): readonly string[] | undefined {
  if (draft.memory.definition.gate.length === 0) return undefined;
  if (draft.memory.isUndecoded === true) return draft.memory.record.tags;
  const tags = [...(draft.snapshot?.tags ?? [])].toSorted();
  return tags.length > 0 ? tags : undefined;
}

function judgeInbound(
  { definition }: AgentMemory,
  facts: AgentFacts,
  state: GateState,
  inbound: EventInbound,
  answers: TurnEnvironment['answers'],
): Judgement | Question {
  return judge(definition.gate, gateEvent(inbound), facts, state, answers?.get(inbound.seq));
}

/** A message as a gate sees it. */
export function gateEvent(inbound: EventInbound): GateEvent {
  const { seq, headers, sizeBytes, storedMs, messageId } = inbound;
  const from = inbound.kind === 'message' ? addressOf(inbound.message.sender) : undefined;
  return { event: eventIn(inbound), headers, sizeBytes, storedMs, from, id: messageId ?? String(seq) };
}

/** A question that nobody has put, or answered in time, ends as its rule says. */
function settled(judged: Judgement | Question): Judgement {
  if (!('kind' in judged)) return judged;
  const { onFailure, rule, memory } = judged;
  return { verdict: onFailure.kind === 'pass' ? { kind: 'wake' } : onFailure, rule, memory };
}

function factsOf(draft: TurnDraft): AgentFacts {
  const facts = recordFacts(draft.memory, draft.env.nowMs);
  if (draft.memory.isUndecoded === true || draft.snapshot === undefined) return facts;
  const tags = [...(draft.snapshot.tags ?? [])];
  const { value } = draft.snapshot;
  const takesNow = (type: string): boolean => takes(draft.memory.definition, value, type);
  return { ...facts, state: value, tags, lifecycle: draft.lifecycle.name, takes: takesNow };
}

function takes({ machine }: AgentMemory['definition'], state: unknown, type: string): boolean {
  const index = indexOf(machine);
  return state === undefined || !index.knows(type) || index.takesIn(state as StateValue, type);
}

function recordFacts({ key, record, definition }: AgentMemory, nowMs: number): AgentFacts {
  const state = hasSnapshot(record) ? record.last?.state : undefined;
  return {
    address: addressOf(key),
    nowMs,
    lifecycle: record.lifecycle.name,
    state,
    takes: (type) => takes(definition, state, type),
    tags: record.tags ?? [],
    turns: record.turns,
    bornMs: record.bornMs,
    lastTurnMs: record.last?.atMs ?? record.bornMs,
  };
}

function isFull({ waiting }: GateState, { sizeBytes }: Inbound): boolean {
  const bytes = waiting.reduce((sum, entry) => sum + entry.sizeBytes, sizeBytes);
  return waiting.length >= MOST_WAITING || bytes > MOST_WAITING_BYTES;
}

function refuse(draft: TurnDraft, inbound: Inbound, event: string, rule: string, reason: string): void {
  const facts = { address: addressOf(draft.memory.key), event, rule, reason };
  draft.reply(inbound, { ok: false, error: errorJson('EVENT_GATED', facts) }, { rule, event });
}

function waitingEntry({ env }: TurnDraft, inbound: EventInbound, event: AgentEvent, judgement: Judgement): GatedEvent {
  const group = groupOf(judgement);
  const { seq, storedMs, headers, sizeBytes, messageId, reply } = inbound;
  return {
    seq,
    storedMs,
    sinceMs: env.nowMs,
    event,
    headers,
    sizeBytes,
    rule: judgement.rule,
    ...(messageId !== undefined && { messageId }),
    ...(reply !== undefined && { reply }),
    ...(inbound.kind === 'message' && { from: addressOf(inbound.message.sender) }),
    ...(group !== undefined && { group }),
  };
}

/** The events of one rule that are taken together. One that waits for another state is in no group. */
function groupOf({ rule, verdict }: Judgement): string | undefined {
  if (verdict.kind === 'merge') return groupName(rule, verdict.group);
  return verdict.kind === 'defer' && verdict.untilMs !== undefined ? groupName(rule, verdict.untilMs) : undefined;
}

function keep(draft: TurnDraft, entry: GatedEvent, verdict: Extract<Verdict, { kind: 'defer' | 'merge' }>): void {
  const { group } = entry;
  if (verdict.kind === 'merge' && verdict.keep === 'last')
    for (const older of inGroup(draft.gate, group)) {
      draft.gate = without(draft.gate, older);
      refuse(draft, asInbound(older), older.event.type, entry.rule, 'a newer one has taken its place');
    }
  draft.gate = { ...draft.gate, waiting: [...draft.gate.waiting, entry] };
  if (group === undefined || verdict.untilMs === undefined) return;
  const armed = draft.timers.find(({ id }) => id === timerId(group));
  // A later time moves the group's: that is what a debounce is.
  if (armed === undefined || armed.dueMs < verdict.untilMs)
    draft.armAt(timerId(group), Math.max(verdict.untilMs, draft.env.nowMs), { event: { type: DUE, group } });
}

/** Too many wait: they are let in, as if their times had come. */
function releaseAll(draft: TurnDraft): void {
  for (const entry of draft.gate.waiting) {
    if (entry.group !== undefined) draft.cancel(timerId(entry.group));
    draft.gate = without(draft.gate, entry);
    applyReady(draft, entry);
  }
}

function inGroup({ waiting }: GateState, group: unknown): readonly GatedEvent[] {
  return waiting.filter((entry) => entry.group !== undefined && entry.group === group);
}

function without(state: GateState, entry: GatedEvent): GateState {
  return { ...state, waiting: state.waiting.filter((other) => other !== entry) };
}

function timerId(group: string): string {
  return `${DUE}.${group}`;
}

/** Whether a timer is a gate's. */
export function isGateTimer(id: string): boolean {
  return id.startsWith(`${DUE}.`);
}

function factsOfEntry({ from, messageId }: GatedEvent): StepFacts {
  return { ...(from !== undefined && { from }), ...(messageId !== undefined && { id: messageId }) };
}

function asInbound(entry: GatedEvent): InboundOf<'event'> {
  const { seq, headers, sizeBytes, storedMs, event, messageId, reply } = entry;
  return {
    kind: 'event',
    seq,
    headers,
    sizeBytes,
    storedMs,
    event,
    ...(messageId !== undefined && { messageId }),
    ...(reply !== undefined && { reply }),
  };
}
