/**
 * Restoring: an operator takes an agent back to a point of its life that was kept, or begins another agent there.
 *
 * State, files and delayed events are those of then. What the world knows of the agent does not go back: its place
 * in the inbox, processed IDs, the outbox, numbers of messages, answers, schedules, generations and what waits at
 * its gate. Of an effect that was open then nobody knows what has become of it: it is `maybe`, and never run by
 * itself. One that is open now must be over first, or is aborted where the operator says so. Pure.
 */
import {
  type AgentRecord,
  type JournalEntry,
  type Restoration,
  type TimerEntry,
  WakebusError,
  addressOf,
  hasSnapshot,
} from '@wakebus/protocol';
import type { AgentSnapshot } from '../family/family.ts';
import { decodeSnapshot } from '../snapshot-codec.ts';
import { isGateTimer } from './at-gate.ts';
import { TurnDraft, type TurnEnvironment } from './draft.ts';
import { abortEffect } from './effects.ts';
import type { InboundOf } from './inbound.ts';
import { openEffects, unknown } from './journal.ts';
import type { AgentMemory } from './memory.ts';
import { type Turn, sealTurn } from './take-turn.ts';

/** What opening a kept state gives: nothing where it stays closed, or why it cannot be opened. */
type Opened = AgentSnapshot | undefined | WakebusError;

/** Lives in which nothing is left that the next one could be mistaken for: it counts as another. */
const OTHER_LIFE: ReadonlySet<string> = new Set(['removed', 'quarantined']);

/**
 * The turn that takes an operator's request to restore.
 *
 * @param kept - The record as it was kept, with the bytes of its snapshot; or why it cannot be had.
 */
export function restoreTurn(
  memory: AgentMemory,
  inbound: InboundOf<'control'>,
  kept: AgentRecord | WakebusError,
  env: TurnEnvironment,
): Turn {
  const wish = inbound.control.restore as Restoration;
  const opened = kept instanceof WakebusError ? kept : (whyNot(memory, wish, kept) ?? open(memory, kept));
  const isRefused = kept instanceof WakebusError || opened instanceof WakebusError;
  const draft = new TurnDraft(isRefused ? memory : whole(memory), env, 0);
  const { seq, messageId } = inbound;
  const id = messageId === undefined ? {} : { id: messageId };
  draft.history.push({ seq, type: 'wakebus.restore', ...id, payload: { ...wish } });
  if (draft.memory.isUndecoded !== true) begin(draft);
  if (opened instanceof WakebusError) refuse(draft, inbound, opened);
  else if (!(kept instanceof WakebusError)) goBack(draft, inbound, kept, opened);
  draft.pass(inbound);
  const turn = sealTurn(draft, 1, undefined);
  return isRefused || memory.packed === undefined ? turn : withBytes(turn, kept);
}

function whyNot(
  { key, record, definition }: AgentMemory,
  wish: Restoration,
  kept: AgentRecord,
): WakebusError | undefined {
  const address = addressOf(key);
  const isUnborn = record.commit === '';
  if (record.lifecycle.name === 'removed' && definition.rebirth === 'forbid')
    return new WakebusError('AGENT_REMOVED', { address });
  if (wish.isBirth === true && !isUnborn && record.lifecycle.name !== 'removed')
    return new WakebusError('AGENT_REFUSED', { address, reason: 'there is such an agent already' });
  if (!hasSnapshot(kept)) return new WakebusError('AGENT_REFUSED', { address, reason: 'the snapshot holds no state' });
  const pending = openEffects(record.journal).map(({ id }) => id);
  if (pending.length === 0 || wish.effects === 'abort') return undefined;
  const reason = `effects are not over: ${pending.join(', ')}; wait for them, resolve them, or have them aborted`;
  return new WakebusError('AGENT_REFUSED', { address, reason });
}

/** A state is opened where its machine may run; elsewhere by the next turn. */
function open({ key, definition, packed }: AgentMemory, { snapshot, machineVersion, journal }: AgentRecord): Opened {
  const address = addressOf(key);
  if (machineVersion > definition.version)
    return new WakebusError('VERSION_NEWER', { address, version: machineVersion, known: definition.version });
  if (packed !== undefined) return undefined;
  try {
    return decodeSnapshot(definition, snapshot, machineVersion, address, openEffects(journal));
  } catch (thrown) {
    if (thrown instanceof WakebusError) return thrown;
    throw thrown;
  }
}

/** The memory that the kept state takes the place of: what of it is closed or gone is needed no more. */
function whole({ isUndecoded: _closed, isPartial, ...memory }: AgentMemory): AgentMemory {
  if (isPartial === true) memory.seen.forgetSpilled();
  return memory;
}

function begin(draft: TurnDraft): void {
  const { name } = draft.lifecycle;
  draft.resumeTimers();
  if (name === 'asleep' || name === 'paused') draft.setLifecycle('awake');
}

/** An agent that does not exist yet must not be born without the state that it was to have. */
function refuse(draft: TurnDraft, inbound: InboundOf<'control'>, error: WakebusError): void {
  draft.reply(inbound, { ok: false, error: error.toJSON() });
  if (draft.memory.record.commit !== '') return;
  draft.sleep = true;
  draft.setLifecycle('removed');
}

function goBack(
  draft: TurnDraft,
  inbound: InboundOf<'control'>,
  kept: AgentRecord,
  snapshot: AgentSnapshot | undefined,
): void {
  const { record: now } = draft.memory;
  for (const effect of openEffects(draft.journal)) abortEffect(draft, effect);
  if (OTHER_LIFE.has(now.lifecycle.name)) {
    draft.incarnation += 1;
    draft.peers = new Map();
  }
  draft.snapshot = snapshot;
  draft.judgedAt = undefined;
  draft.attempt = undefined;
  draft.workspace = kept.workspace && { ...kept.workspace, before: now.workspace?.names ?? kept.workspace.before };
  draft.journal = [
    ...draft.journal,
    ...openEffects(kept.journal).map((entry) => asUnknown(draft, entry as JournalEntry)),
  ];
  goBackToTimers(draft, kept, inbound.control.restore?.timers === 'drop');
  if (kept.lifecycle.name === 'completed') draft.complete();
  else if (now.lifecycle.name !== 'suspended') draft.setLifecycle('awake');
  draft.reply(inbound, { ok: true });
}

/** Under a generation of its own: a result of then is not taken for one of now. Its key stays, for whoever asks the receiver. */
function asUnknown(draft: TurnDraft, entry: JournalEntry): JournalEntry {
  draft.generation += 1;
  const error = { code: 'EFFECT_MAYBE', message: 'it was under way in the snapshot that the agent was taken back to' };
  return { ...unknown(entry, error), generation: draft.generation };
}

/** Delayed events of the machine come at their times, those that are over at once. Schedules and the gate's stand as they are. */
function goBackToTimers(draft: TurnDraft, kept: AgentRecord, isWithout: boolean): void {
  for (const timer of draft.timers.filter(isOfMachine)) draft.cancelTimer(timer);
  if (isWithout) return;
  for (const timer of kept.timers.filter(isOfMachine)) {
    const { generation: _old, id, leftMs, dueMs, trace: _trace, ...rest } = timer;
    draft.armAt(UNNAMED.test(id) ? undefined : id, leftMs === undefined ? dueMs : draft.env.nowMs + leftMs, rest);
  }
}

/** What a timer without an ID is called. */
const UNNAMED = /^#\d+$/;

function isOfMachine({ id, schedule }: TimerEntry): boolean {
  return schedule === undefined && !isGateTimer(id);
}

/** Of an agent whose state stays closed: the bytes as they were kept, of the version that wrote them. */
function withBytes(turn: Turn, { snapshot, machineVersion }: AgentRecord): Turn {
  const { memory } = turn;
  return { ...turn, memory: { ...memory, record: { ...memory.record, snapshot, machineVersion } } };
}
