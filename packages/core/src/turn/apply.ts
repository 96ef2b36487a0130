/**
 * One inbound message against a draft: dedupe, order between agents, timers, effects, and the machine's step.
 *
 * Pure but for the draft. It throws only what the machine threw, and then the draft is as before.
 */
import {
  type AgentEvent,
  type EarlyMessage,
  type EffectResolution,
  HISTORY_PAYLOAD_LIMIT_BYTES,
  type RecordLifecycle,
  WakebusError,
  addressOf,
  isWakebusError,
} from '@wakebus/protocol';
import type { AnyMachineSnapshot } from 'xstate';
import { type Output, applyEvent, initialStep } from '../interpreter.ts';
import type { TurnDraft } from './draft.ts';
import { type Deliver, abortEffect, planEffect, resolveEffect, takeDue, takeResult } from './effects.ts';
import type { Inbound } from './inbound.ts';
import { childIds } from './journal.ts';

type Kind<K extends Inbound['kind']> = Extract<Inbound, { kind: K }>;

/**
 * Messages kept back for a lower number that has not come. More than this means the sender's chain
 * is broken for good, and holding on would only fill the record.
 */
const EARLY_LIMIT = 256;

/** What is said of an agent whose life is over. */
const OVER: Partial<Record<RecordLifecycle['name'], 'AGENT_COMPLETED' | 'AGENT_REMOVED'>> = {
  completed: 'AGENT_COMPLETED',
  removed: 'AGENT_REMOVED',
};

/** Applies one message and moves the cursor past it. @throws whatever the machine throws. */
export function applyInbound(draft: TurnDraft, inbound: Inbound): void {
  if (inbound.seq <= draft.cursor) return;
  if (inbound.kind === 'control') applyControl(draft, inbound);
  else if (hasEnded(draft, inbound)) refuseEnded(draft, inbound);
  else dispatch(draft, inbound);
  draft.pass(inbound);
  if (draft.attempt !== undefined && draft.attempt.seq <= inbound.seq) draft.attempt = undefined;
}

function dispatch(draft: TurnDraft, inbound: Exclude<Inbound, Kind<'control'>>): void {
  switch (inbound.kind) {
    case 'event':
      return applyOutside(draft, inbound);
    case 'message':
      return applyAgentMessage(draft, inbound);
    case 'timer':
      return applyTimer(draft, inbound);
    case 'effect':
      return settleEffect(draft, inbound, takeResult(draft, inbound, deliverTo(draft, inbound)));
    case 'invalid':
      return giveUp(draft, inbound, inbound.error, 0);
  }
}

/**
 * Parks a message for good and answers its caller, if there is one. It is as good as processed: not taken
 * again, and those that its sender numbered after it do not wait for it.
 */
export function giveUp(draft: TurnDraft, inbound: Inbound, error: WakebusError, attempts: number): void {
  draft.deadLetters.push({ inbound, code: error.code, message: error.message, attempts });
  draft.reply(inbound, { ok: false, error: error.toJSON() });
  draft.outputNames.push(`dead letter ${error.code}`);
  const name = dedupeName(inbound);
  if (name !== undefined) draft.memory.seen.add(name, draft.env.nowMs);
}

/** Under which name a message is known again, if it has one. */
function dedupeName(inbound: Inbound): string | undefined {
  if (inbound.kind === 'message') return chainId(inbound.message, inbound.message.number);
  return inbound.kind === 'event' ? inbound.messageId : undefined;
}

function applyOutside(draft: TurnDraft, inbound: Kind<'event'>): void {
  const { messageId } = inbound;
  const { seen } = draft.memory;
  if (messageId !== undefined && seen.has(messageId)) return repeatAnswer(draft, inbound);
  step(draft, inbound, inbound.event, {});
  if (messageId !== undefined) seen.add(messageId, draft.env.nowMs);
}

/** A duplicate of a processed message: its caller may be asking again. */
function repeatAnswer(draft: TurnDraft, inbound: Inbound): void {
  draft.duplicates += 1;
  const { messageId } = inbound;
  if (inbound.reply === undefined || messageId === undefined) return;
  const kept = [...draft.newReplies, ...draft.memory.record.replies].find((entry) => entry.id === messageId);
  if (kept !== undefined) draft.replies.push({ subject: inbound.reply.subject, body: kept.body });
  else
    draft.reply(inbound, {
      ok: false,
      error: new WakebusError('REPLY_EXPIRED', { address: addressOf(draft.memory.key), messageId }).toJSON(),
    });
}

/** The dedupe name of message `number` of a sender's chain to this agent: one range a sender. */
function chainId(message: { readonly sender: string; readonly incarnation: number }, number: number): string {
  return `${message.sender}~${message.incarnation}#${number}`;
}

function applyAgentMessage(draft: TurnDraft, inbound: Kind<'message'>): void {
  const { message } = inbound;
  const { seen } = draft.memory;
  const name = chainId(message, message.number);
  if (seen.has(name) || draft.early.some((early) => chainId(early, early.number) === name)) {
    draft.duplicates += 1;
    return;
  }
  if (isForgotten(draft, inbound)) {
    const facts = { address: addressOf(draft.memory.key), sender: addressOf(message.sender) };
    return giveUp(draft, inbound, new WakebusError('MESSAGE_STALE', facts), 0);
  }
  if (!isNext(draft, message) && draft.early.length < EARLY_LIMIT) {
    const { v: _version, atMs: _atMs, ...early } = message;
    draft.early = [...draft.early, { ...early, seq: inbound.seq, headers: inbound.headers }];
    draft.outputNames.push('early message kept');
    return;
  }
  step(draft, inbound, message.event, { from: addressOf(message.sender), id: `${message.sender}:${message.id}` });
  seen.add(name, draft.env.nowMs);
}

/** Whether it came so late that this agent, had it come in time as well, would not remember: its sender's horizon may be longer. */
function isForgotten({ memory }: TurnDraft, { message, storedMs }: Kind<'message'>): boolean {
  return message.atMs !== undefined && message.atMs < storedMs - memory.definition.dedupe.horizonMs;
}

/** Whether the message before it has been processed, or may have been for so long that nobody here remembers. */
function isNext(draft: TurnDraft, message: Omit<EarlyMessage, 'seq' | 'headers'>): boolean {
  const { definition, seen } = draft.memory;
  if (message.previous === 0 || seen.has(chainId(message, message.previous))) return true;
  return (message.previousMs ?? draft.env.nowMs) < draft.env.nowMs - definition.dedupe.horizonMs;
}

/** The next message that was early and is not any more, as the inbound that it was. */
export function takeRipe(draft: TurnDraft): Inbound | undefined {
  const ripe = draft.early.find((early) => isNext(draft, early));
  if (ripe === undefined) return undefined;
  draft.early = draft.early.filter((early) => early !== ripe);
  return asInbound(draft, ripe);
}

function asInbound(draft: TurnDraft, { seq, headers, ...message }: EarlyMessage): Inbound {
  return { kind: 'message', seq, headers, sizeBytes: 0, storedMs: draft.env.nowMs, message: { v: 1, ...message } };
}

/** Applies a message that {@link takeRipe} gave: its sequence is already behind the cursor. @throws whatever the machine throws. */
export function applyRipe(draft: TurnDraft, inbound: Inbound): void {
  if (inbound.kind === 'message') applyAgentMessage(draft, inbound);
}

function applyTimer(draft: TurnDraft, inbound: Kind<'timer'>): void {
  const { id, generation } = inbound.fire;
  const timer = draft.timers.find((candidate) => candidate.id === id && candidate.generation === generation);
  if (timer === undefined) return settleEffect(draft, inbound, takeDue(draft, inbound, deliverTo(draft, inbound)));
  const before = draft.timers;
  draft.timers = draft.timers.filter((candidate) => candidate !== timer);
  try {
    step(draft, inbound, timer.event, { from: `timer ${id}` });
  } catch (thrown) {
    draft.timers = before;
    throw thrown;
  }
}

/** How an effect tells the machine what became of it. A caller's address is not passed on: the answer is the runtime's. */
function deliverTo(draft: TurnDraft, { reply: _caller, ...inbound }: Kind<'effect' | 'timer' | 'control'>): Deliver {
  return (event) => step(draft, inbound, event, { from: event.type.slice('xstate.'.length) });
}

/** An error that no state of the machine takes must be seen by somebody. */
function settleEffect(draft: TurnDraft, inbound: Kind<'effect' | 'timer'>, isTaken: boolean | undefined): void {
  if (isTaken === undefined) draft.duplicates += 1;
  if (isTaken !== false) return;
  const { id: effect, generation } = inbound.kind === 'effect' ? inbound.result : inbound.fire;
  const { error } = draft.journal.find((entry) => entry.generation === generation) ?? {};
  const facts = { address: addressOf(draft.memory.key), effect, reason: error?.message ?? 'it says no more' };
  giveUp(draft, inbound, new WakebusError('EFFECT_FAILED', facts), 0);
}

function applyResolution(draft: TurnDraft, inbound: Kind<'control'>, resolution: EffectResolution): void {
  const address = addressOf(draft.memory.key);
  const { name } = draft.lifecycle;
  if (name === 'suspended' || name === 'quarantined' || name === 'failed') {
    const reason = `it is ${name} and takes no events; release it first`;
    return draft.reply(inbound, { ok: false, error: new WakebusError('AGENT_REFUSED', { address, reason }).toJSON() });
  }
  try {
    resolveEffect(draft, resolution, deliverTo(draft, inbound));
  } catch (thrown) {
    if (!isWakebusError(thrown, 'EFFECT_NOT_FOUND')) throw thrown;
    return draft.reply(inbound, { ok: false, error: thrown.toJSON() });
  }
  draft.reply(inbound, { ok: true });
}

function applyControl(draft: TurnDraft, inbound: Kind<'control'>): void {
  const { verb, effect, reason = 'by an operator' } = inbound.control;
  draft.history.push({ seq: inbound.seq, type: `wakebus.${verb}` });
  const { name } = draft.lifecycle;
  const over = OVER[name];
  // A life that is over stays over: released from a suspension, the agent would go on in it.
  if (verb === 'suspend' && over !== undefined)
    return draft.reply(inbound, { ok: false, error: errorOf(over, draft).toJSON() });
  if (effect !== undefined && verb === 'resolve') return applyResolution(draft, inbound, effect);
  if (verb === 'remove') removeAgent(draft);
  // Nor is a suspension, with the release that follows, a way out of quarantine.
  else if (verb === 'suspend' && name !== 'quarantined')
    draft.setLifecycle('suspended', { code: 'SUSPENDED', message: reason });
  else if (verb === 'release' && (name === 'suspended' || name === 'failed')) draft.setLifecycle('awake');
  draft.reply(inbound, { ok: true });
}

function errorOf(code: 'AGENT_COMPLETED' | 'AGENT_REMOVED', draft: TurnDraft): WakebusError {
  return new WakebusError(code, { address: addressOf(draft.memory.key) });
}

/** Whether the agent's life is over. A removed one is born again by its next event, where its type allows that. */
function hasEnded(draft: TurnDraft, inbound: Inbound): boolean {
  if (draft.lifecycle.name === 'completed') return true;
  if (draft.lifecycle.name !== 'removed') return false;
  const mayBeBorn = draft.memory.definition.rebirth === 'allow' && draft.env.isLate !== true;
  const isBirth = mayBeBorn && (inbound.kind === 'event' || inbound.kind === 'message');
  if (!isBirth || isRepetition(draft, inbound)) return true;
  draft.incarnation += 1;
  draft.peers = new Map();
  draft.setLifecycle('awake');
  return false;
}

function isRepetition(draft: TurnDraft, inbound: Inbound): boolean {
  const name = dedupeName(inbound);
  return name !== undefined && draft.memory.seen.has(name);
}

/** What remains is a tombstone: it holds the incarnation, so that an old message cannot reach a later life. */
function removeAgent(draft: TurnDraft): void {
  const error = errorOf('AGENT_REMOVED', draft);
  for (const early of draft.early) giveUp(draft, asInbound(draft, early), error, 0);
  for (const timer of draft.timers) draft.cancelled.push(timer.generation);
  draft.timers = [];
  for (const id of childIds(draft.journal)) abortEffect(draft, id);
  draft.early = [];
  draft.snapshot = undefined;
  draft.sleep = true;
  draft.setLifecycle('removed');
}

function refuseEnded(draft: TurnDraft, inbound: Exclude<Inbound, Kind<'control'>>): void {
  if (inbound.kind === 'timer' || inbound.kind === 'effect') return;
  if (isRepetition(draft, inbound)) return repeatAnswer(draft, inbound);
  giveUp(draft, inbound, errorOf(OVER[draft.lifecycle.name] ?? 'AGENT_REMOVED', draft), 0);
}

interface StepFacts {
  readonly from?: string;
  readonly id?: string;
}

/** One pure step of the machine, its outputs folded into the draft. @returns whether some state took the event. */
function step(draft: TurnDraft, inbound: Inbound, event: AgentEvent, facts: StepFacts): boolean {
  const { memory } = draft;
  const birth = draft.snapshot === undefined ? initialStep(memory.definition, memory.key) : undefined;
  const before = birth?.snapshot ?? (draft.snapshot as AnyMachineSnapshot);
  const result = applyEvent(memory.definition, before, event);
  if (!result.known && (inbound.kind === 'event' || inbound.kind === 'message')) {
    if (birth !== undefined) takeBirth(draft, inbound, birth);
    const error = new WakebusError('EVENT_UNKNOWN', { address: addressOf(memory.key), event: event.type });
    giveUp(draft, inbound, error, 0);
    return false;
  }
  if (birth !== undefined) takeBirth(draft, inbound, birth);
  draft.snapshot = result.snapshot;
  const answered = collect(draft, inbound, result.outputs, birth?.outputs.length ?? 0);
  if (!answered && inbound.reply !== undefined) draft.reply(inbound, defaultAnswer(draft, event, result.handled));
  if (draft.snapshot?.status === 'done') draft.setLifecycle('completed');
  draft.history.push(historyOf(inbound, event, facts));
  return result.handled;
}

function takeBirth(draft: TurnDraft, inbound: Inbound, birth: ReturnType<typeof initialStep>): void {
  draft.snapshot = birth.snapshot;
  collect(draft, inbound, birth.outputs, 0);
}

function defaultAnswer(draft: TurnDraft, event: AgentEvent, handled: boolean): Parameters<TurnDraft['reply']>[1] {
  if (handled) return { ok: true };
  const reason = `it ignores "${event.type}" in its present state, ${JSON.stringify(draft.snapshot?.value)}`;
  return {
    ok: false,
    error: new WakebusError('AGENT_REFUSED', { address: addressOf(draft.memory.key), reason }).toJSON(),
  };
}

/** Folds outputs into the draft. @returns whether one of them answers the event. */
function collect(draft: TurnDraft, inbound: Inbound, outputs: readonly Output[], firstIndex: number): boolean {
  let answered = false;
  outputs.forEach((output, i) => {
    if (output.kind === 'reply') draft.reply(inbound, { ok: true, value: output.value });
    else if (output.kind === 'refuse') draft.reply(inbound, { ok: false, error: refusal(draft, output) });
    else take(draft, inbound.seq, firstIndex + i, output);
    answered ||= output.kind === 'reply' || output.kind === 'refuse';
    draft.outputNames.push(nameOf(output));
  });
  return answered;
}

function take(
  draft: TurnDraft,
  seq: number,
  index: number,
  output: Exclude<Output, { kind: 'reply' | 'refuse' }>,
): void {
  switch (output.kind) {
    case 'send':
      return draft.send(seq, index, output.to, output.event);
    case 'timer':
      return draft.arm(output.id, output.delayMs, output.event);
    case 'cancel':
      return draft.cancel(output.id);
    case 'effect':
      return planEffect(draft, { seq, index }, output);
    case 'abort':
      return abortEffect(draft, output.id);
    case 'emit':
      draft.emits.push(output.event);
      return;
    case 'action':
      draft.actions.push(output.run);
      return;
    case 'sleep':
      draft.sleep = true;
  }
}

function refusal(draft: TurnDraft, output: Extract<Output, { kind: 'refuse' }>): ReturnType<WakebusError['toJSON']> {
  return new WakebusError('AGENT_REFUSED', {
    address: addressOf(draft.memory.key),
    reason: output.reason,
    detail: output.detail,
  }).toJSON();
}

function nameOf(output: Output): string {
  switch (output.kind) {
    case 'send':
      return `send ${output.event.type} to ${addressOf(output.to)}`;
    case 'timer':
    case 'cancel':
    case 'effect':
    case 'abort':
      return `${output.kind} ${output.id}`;
    case 'emit':
      return `emit ${output.event.type}`;
    default:
      return output.kind;
  }
}

function historyOf(inbound: Inbound, event: AgentEvent, facts: StepFacts): TurnDraft['history'][number] {
  const { type, ...payload } = event;
  const id = facts.id ?? inbound.messageId;
  return {
    seq: inbound.seq,
    type,
    ...(id !== undefined && { id }),
    ...(facts.from !== undefined && { from: facts.from }),
    ...(inbound.sizeBytes <= HISTORY_PAYLOAD_LIMIT_BYTES && { payload }),
  };
}

/** The error that a throwing machine stands for. */
export function turnError(draft: TurnDraft, inbound: Inbound, thrown: unknown): WakebusError {
  if (isWakebusError(thrown)) return thrown;
  const event =
    inbound.kind === 'event'
      ? inbound.event.type
      : inbound.kind === 'message'
        ? inbound.message.event.type
        : inbound.kind === 'effect'
          ? `effect ${inbound.result.id}`
          : inbound.kind;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new WakebusError('TURN_FAILED', { address: addressOf(draft.memory.key), event, reason }, { cause: thrown });
}
