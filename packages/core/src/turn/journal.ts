/**
 * Entries of the journal, as values: which are open, which are owed a start, and what an entry becomes.
 *
 * What a result means for an entry is in `effects.ts`.
 */
import type { AgentRecord, JournalEntry, ParkReason } from '@wakebus/protocol';
import type { AnyAgentDefinition } from '../define-agent.ts';
import { type EffectSpec, effectSpecOf } from '../effect.ts';
import type { EffectChild } from '../family/family.ts';
import { logicOf, machineWithin } from '../family/logic.ts';
import { RESULT_GRACE_MS } from '../effect-options.ts';

/** Entries kept after their end, so that a look at the agent shows what it did last. All of them are in history; these are written with every commit. */
const ENDED_KEPT = 4;

/** What wakes the agent for an effect: a repetition that is due, or a deadline at which nobody has said how it ended. */
export interface EffectSchedule {
  readonly id: string;
  readonly generation: number;
  readonly attempt: number;
  readonly dueMs: number;
  /** Of a deadline: the placement node that runs the effect. */
  readonly node?: string;
  /** Of one that may not start yet: its target. */
  readonly parkedFor?: string;
  readonly trace?: JournalEntry['trace'];
}

/** Whether an effect is not over. */
export function isOpen({ state }: JournalEntry): boolean {
  return state === 'planned' || state === 'started' || state === 'maybe';
}

/** Whether an effect is owed a start now: whoever has the agent starts it. */
export function isDue({ state, notBeforeMs }: JournalEntry): boolean {
  return state === 'planned' && notBeforeMs === undefined;
}

/** Whether an effect is owed a start that something keeps it from: it may be started sooner than its schedule says. */
export function isParked({ state, notBeforeMs, parkedBy }: JournalEntry): boolean {
  return state === 'planned' && notBeforeMs !== undefined && parkedBy !== undefined;
}

/** The schedule that must stand for an entry, if any. */
export function scheduleOf(entry: JournalEntry): EffectSchedule | undefined {
  const { id, generation, attempt, state, notBeforeMs, deadlineMs, node, target, trace } = entry;
  const isStarted = state === 'started';
  const dueMs = isStarted ? deadlineMs : state === 'planned' ? notBeforeMs : undefined;
  if (dueMs === undefined) return undefined;
  return {
    id,
    generation,
    attempt,
    dueMs,
    ...(isStarted && node !== undefined && { node }),
    ...(isParked(entry) && { parkedFor: target }),
    ...(trace !== undefined && { trace }),
  };
}

/** All schedules that must stand for a journal. */
export function schedulesOf(journal: AgentRecord['journal']): readonly EffectSchedule[] {
  return journal.map(scheduleOf).filter((schedule) => schedule !== undefined);
}

/** The effects that stand among the children of a snapshot's actors. */
export function openEffects(journal: AgentRecord['journal']): readonly EffectChild[] {
  return journal.filter(isOpen);
}

/** What a definition says of an entry's effect; `undefined` when its machine does not know it (any more). */
export function specOf(
  { machine }: AnyAgentDefinition,
  { machines, src }: Pick<JournalEntry, 'machines' | 'src'>,
): EffectSpec | undefined {
  const owner = machineWithin(machine, machines);
  return owner === undefined ? undefined : effectSpecOf(logicOf(owner, src));
}

/** The journal with an entry in place of the one of its generation. Of those that are over, the last few stay. */
export function replaced(journal: AgentRecord['journal'], entry: JournalEntry): AgentRecord['journal'] {
  const next = journal.map((each) => (each.generation === entry.generation ? entry : each));
  const over = next.filter((each) => !isOpen(each)).toSorted((a, b) => (a.endedMs ?? 0) - (b.endedMs ?? 0));
  const dropped = new Set(over.slice(0, Math.max(0, over.length - ENDED_KEPT)));
  return dropped.size === 0 ? next : next.filter((each) => !dropped.has(each));
}

/** An entry whose effect is over. Its input is let go. */
export function ended(
  entry: JournalEntry,
  state: 'done' | 'failed' | 'aborted',
  nowMs: number,
  error?: JournalEntry['error'],
): JournalEntry {
  const { input: _input, error: _last, ...rest } = unscheduled(entry);
  return { ...rest, state, endedMs: nowMs, ...(error !== undefined && { error }) };
}

/** An entry that nobody knows about: it waits for an operator. */
export function unknown(entry: JournalEntry, error: JournalEntry['error']): JournalEntry {
  const { error: _last, ...rest } = unscheduled(entry);
  return { ...rest, state: 'maybe', ...(error !== undefined && { error }) };
}

/** An entry that waits for no time. */
export function unscheduled(entry: JournalEntry): JournalEntry {
  const { notBeforeMs: _due, deadlineMs: _deadline, parkedBy: _why, ...rest } = entry;
  return rest;
}

/** Whether an effect that is owed a start may have it: now, when there is room, or not before some time. */
export type Admission =
  | { readonly kind: 'start' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'park'; readonly by: ParkReason; readonly untilMs: number };

/** What is to be started now, as it stands in the commit that says so, and the journal with it. */
export interface EffectStart {
  readonly journal: AgentRecord['journal'];
  readonly started: readonly JournalEntry[];
  /** What is owed a start, and may not have it now. */
  readonly parked: readonly JournalEntry[];
  /** What was so, as it stood then, and has its start: its schedule need not stand any more. */
  readonly unparked: readonly JournalEntry[];
}

/**
 * Starts every effect that is due and may start. One that must not be started any more becomes `maybe`: its
 * key may be forgotten, or this version of the machine does not know it.
 */
export function startDue(
  definition: AnyAgentDefinition,
  { journal }: Pick<AgentRecord, 'journal'>,
  node: string,
  nowMs: number,
  admit: (entry: JournalEntry) => Admission,
): EffectStart {
  const started: JournalEntry[] = [];
  const parked: JournalEntry[] = [];
  const unparked: JournalEntry[] = [];
  const next = journal.map((entry) => {
    if (!isDue(entry) && !isParked(entry)) return entry;
    const spec = specOf(definition, entry);
    const why = whyNeverAgain(entry, spec, nowMs);
    if (spec === undefined || why !== undefined) return unknown(entry, why);
    const admission = admit(entry);
    if (admission.kind === 'wait' || (admission.kind === 'park' && isParked(entry))) return entry;
    if (isParked(entry)) unparked.push(entry);
    const [list, changed] =
      admission.kind === 'start'
        ? [started, begin(entry, spec, node, nowMs)]
        : [parked, { ...entry, notBeforeMs: admission.untilMs, parkedBy: admission.by }];
    list.push(changed);
    return changed;
  });
  return { journal: next, started, parked, unparked };
}

/** Why an effect that is owed a start cannot have it, whenever. */
export function whyNeverAgain(
  entry: JournalEntry,
  spec: EffectSpec | undefined,
  nowMs: number,
): JournalEntry['error'] | undefined {
  if (spec === undefined) return { code: 'MACHINE_UNSUPPORTED', message: `the machine has no actor "${entry.src}"` };
  return isKeyOld(entry, spec, nowMs) ? { code: 'EFFECT_MAYBE', message: OLD_KEY } : undefined;
}

/** Why a repetition is refused. */
export const OLD_KEY = 'its receiver may have forgotten the key (keyHorizonMs)';

/** Whether an attempt that starts at a time could end after its receiver has forgotten the key. */
export function isKeyOld(entry: JournalEntry, spec: EffectSpec, startMs: number): boolean {
  if (spec.dedupe !== 'key' || entry.firstMs === undefined || entry.phase !== undefined) return false;
  return startMs + spec.timeoutMs > entry.firstMs + spec.keyHorizonMs;
}

function begin(entry: JournalEntry, spec: EffectSpec, node: string, nowMs: number): JournalEntry {
  const isRun = entry.phase === undefined;
  return {
    ...unscheduled(entry),
    state: 'started',
    attempt: entry.attempt + 1,
    runs: entry.runs + (isRun ? 1 : 0),
    ...(isRun && { firstMs: entry.firstMs ?? nowMs }),
    node,
    deadlineMs: nowMs + spec.timeoutMs + RESULT_GRACE_MS,
  };
}
