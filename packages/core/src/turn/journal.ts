/**
 * Entries of the journal, as values: which are open, which are owed a start, and what an entry becomes.
 *
 * What a result means for an entry is in `effects.ts`.
 */
import type { AgentRecord, JournalEntry } from '@wakebus/protocol';
import type { AnyAgentDefinition } from '../define-agent.ts';
import { type EffectSpec, effectSpecOf } from '../effect.ts';
import { logicOf } from '../effect-check.ts';
import { RESULT_GRACE_MS } from '../effect-options.ts';

/** Entries kept after their end, so that a look at the agent shows what it did last. */
const ENDED_KEPT = 8;

/** What wakes the agent for an effect: a repetition that is due, or a deadline at which nobody has said how it ended. */
export interface EffectSchedule {
  readonly id: string;
  readonly generation: number;
  readonly attempt: number;
  readonly dueMs: number;
  /** Of a deadline: the placement node that runs the effect. */
  readonly node?: string;
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

/** The schedule that must stand for an entry, if any. */
export function scheduleOf(entry: JournalEntry): EffectSchedule | undefined {
  const { id, generation, attempt, state, notBeforeMs, deadlineMs, node, trace } = entry;
  const isStarted = state === 'started';
  const dueMs = isStarted ? deadlineMs : state === 'planned' ? notBeforeMs : undefined;
  if (dueMs === undefined) return undefined;
  return {
    id,
    generation,
    attempt,
    dueMs,
    ...(isStarted && node !== undefined && { node }),
    ...(trace !== undefined && { trace }),
  };
}

/** All schedules that must stand for a journal. */
export function schedulesOf(journal: AgentRecord['journal']): readonly EffectSchedule[] {
  return journal.map(scheduleOf).filter((schedule) => schedule !== undefined);
}

/** IDs of the effects that stand among a snapshot's children. */
export function childIds(journal: AgentRecord['journal']): readonly string[] {
  return journal.filter(isOpen).map(({ id }) => id);
}

/** What a definition says of an entry's effect; `undefined` when its machine does not know it (any more). */
export function specOf({ machine }: AnyAgentDefinition, { src }: JournalEntry): EffectSpec | undefined {
  return effectSpecOf(logicOf(machine, src));
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
  const { input: _input, notBeforeMs: _due, deadlineMs: _deadline, error: _last, ...rest } = entry;
  return { ...rest, state, endedMs: nowMs, ...(error !== undefined && { error }) };
}

/** An entry that nobody knows about: it waits for an operator. */
export function unknown(entry: JournalEntry, error: JournalEntry['error']): JournalEntry {
  const { notBeforeMs: _due, deadlineMs: _deadline, error: _last, ...rest } = entry;
  return { ...rest, state: 'maybe', ...(error !== undefined && { error }) };
}

/** What is to be started now, as it stands in the commit that says so, and the journal with it. */
export interface EffectStart {
  readonly journal: AgentRecord['journal'];
  readonly started: readonly JournalEntry[];
}

/**
 * Starts every effect that is due. One that must not be started any more becomes `maybe`: its key may be
 * forgotten, or this version of the machine does not know it.
 */
export function startDue(
  definition: AnyAgentDefinition,
  { journal }: AgentRecord,
  node: string,
  nowMs: number,
): EffectStart {
  const started: JournalEntry[] = [];
  const next = journal.map((entry) => {
    if (!isDue(entry)) return entry;
    const spec = specOf(definition, entry);
    if (spec === undefined)
      return unknown(entry, { code: 'MACHINE_UNSUPPORTED', message: `the machine has no actor "${entry.src}"` });
    if (isKeyOld(entry, spec, nowMs)) return unknown(entry, { code: 'EFFECT_MAYBE', message: OLD_KEY });
    const begun = begin(entry, spec, node, nowMs);
    started.push(begun);
    return begun;
  });
  return { journal: next, started };
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
    ...entry,
    state: 'started',
    attempt: entry.attempt + 1,
    runs: entry.runs + (isRun ? 1 : 0),
    ...(isRun && { firstMs: entry.firstMs ?? nowMs }),
    node,
    deadlineMs: nowMs + spec.timeoutMs + RESULT_GRACE_MS,
  };
}
