/**
 * Effects in a turn: what is planned, aborted, repeated, found to be over, or not known.
 *
 * planned → started → done | failed | maybe. A start is a commit of its own, after the one that plans;
 * the rest happens here, by the turn that takes a result, a due schedule or an operator's word. Pure but
 * for the draft.
 */
import {
  type EffectResolution,
  type EffectResult,
  type JournalEntry,
  WakebusError,
  addressOf,
  standsOn,
} from '@wakebus/protocol';
import { type EffectChild, ownName, withEffects } from '../family/family.ts';
import type { EffectSpec, Lookup } from '../effect.ts';
import { LONGEST_BACKOFF_MS } from '../effect-options.ts';
import type { TurnDraft } from './draft.ts';
import type { InboundOf } from './inbound.ts';
import {
  OLD_KEY,
  ended,
  isKeyOld,
  isOpen,
  openEffects,
  replaced,
  scheduleOf,
  specOf,
  unknown,
  unscheduled,
} from './journal.ts';
import type { EffectOutput } from '../outputs.ts';

/** Gives an actor of the agent an event of the runtime's. @returns whether some state took it. @throws what the machine throws. */
export type Deliver = (
  event: { readonly type: string; readonly [field: string]: unknown },
  actor?: EffectChild['actor'],
) => boolean;

/** An entry, what its definition says of it, and how to tell the machine. */
interface Case {
  readonly draft: TurnDraft;
  readonly entry: JournalEntry;
  readonly spec: EffectSpec | undefined;
  readonly deliver: Deliver;
}

/** Why an effect that is done counts as not known: its files cannot be kept. */
const OTHER_FILES = 'it is done, and the files that it leaves stand on others than those of the agent';

/** What a case comes to: `false` when the machine had no place for the error. */
type Verdict = boolean;

/** Takes an effect into the journal. One of the same ID is aborted: the machine has forgotten it. */
export function planEffect(
  draft: TurnDraft,
  place: { readonly seq: number; readonly index: number },
  output: Omit<EffectOutput, 'kind'>,
): void {
  const { memory, env } = draft;
  abortEffect(draft, output);
  draft.generation += 1;
  const { definition } = memory;
  const entry: JournalEntry = {
    id: output.id,
    generation: draft.generation,
    key: `${memory.key}~${draft.incarnation}@${place.seq}.${place.index}`,
    ...(output.actor !== undefined && { actor: output.actor }),
    src: output.src,
    ...(output.machines !== undefined && { machines: output.machines }),
    target: specOf(definition, output)?.target ?? `${definition.type}/${output.src}`,
    ...(output.input !== undefined && { input: output.input }),
    state: 'planned',
    attempt: 0,
    runs: 0,
    plannedMs: env.nowMs,
    ...(env.trace !== undefined && { trace: env.trace }),
  };
  draft.journal = [...draft.journal, entry];
}

/** Ends an effect because its state was left. What runs is told after the commit; its result is dropped. */
export function abortEffect(draft: TurnDraft, { actor, id }: EffectChild): void {
  const entry = draft.journal.find((each) => each.id === id && each.actor === actor && isOpen(each));
  if (entry === undefined) return;
  if (entry.attempt === 0) {
    // Never started: nothing of it has left the agent.
    draft.journal = draft.journal.filter((each) => each !== entry);
    if (entry.parkedBy !== undefined) draft.withdrawn.push(entry);
    return;
  }
  draft.journal = replaced(draft.journal, ended(entry, 'aborted', draft.env.nowMs));
  draft.stopped.push(entry);
}

/** Ends an effect that runs and tells the machine why, whose state need not take it. @throws what the machine throws. */
export function cancelEffect(draft: TurnDraft, entry: JournalEntry, error: WakebusError, deliver: Deliver): void {
  const { id, generation } = entry;
  // The error of another one may have led to its end.
  if (!draft.journal.some((each) => each.generation === generation && isOpen(each))) return;
  abortEffect(draft, entry);
  if (draft.snapshot !== undefined) draft.snapshot = withEffects(draft.snapshot, openEffects(draft.journal));
  deliver({ type: `xstate.error.actor.${id}`, error, actorId: id }, entry.actor);
}

/** Takes the result of an attempt. @returns `undefined` for one that is not current, else whether the machine had a place for it. */
export function takeResult(draft: TurnDraft, { result }: InboundOf<'effect'>, deliver: Deliver): Verdict | undefined {
  const stands = draft.journal.find((each) => each.generation === result.generation && isOpen(each));
  if (stands === undefined || stands.attempt !== result.attempt) return undefined;
  // A phase that nobody has begun yet: what comes late is of the effect itself, and no answer of a lookup or a compensation.
  const entry = stands.phaseFrom === stands.attempt ? withoutPhase(stands) : stands;
  const found = { draft, entry, spec: specOf(draft.memory.definition, entry), deliver };
  return restoring(draft, () => {
    if (result.outcome === 'done') return onDone(found, result);
    if (result.outcome === 'maybe') return entry.state === 'started' ? onUnknown(found, messageOf(result.error)) : true;
    // It is to be run again in any case, at the time that its schedule says.
    if (entry.state === 'planned') return true;
    return onFailed(found, result.error, result.isFinal === true);
  });
}

/** Takes a schedule that has fired: a repetition is due, or an attempt has outlived its deadline. @returns `undefined` for one that is not current. */
export function takeDue(draft: TurnDraft, { fire }: InboundOf<'timer'>, deliver: Deliver): Verdict | undefined {
  const entry = draft.journal.find((each) => each.generation === fire.generation);
  if (entry === undefined || scheduleOf(entry)?.dueMs !== fire.dueMs) return undefined;
  const found = { draft, entry, spec: specOf(draft.memory.definition, entry), deliver };
  if (entry.state === 'started')
    return restoring(draft, () => onUnknown(found, `nobody said by its deadline how attempt ${entry.attempt} ended`));
  const { notBeforeMs: _past, parkedBy: _why, ...due } = entry;
  draft.journal = replaced(draft.journal, due);
  return true;
}

/** Takes an operator's word on an effect that nobody knows about. @throws {WakebusError} `EFFECT_NOT_FOUND`; what the machine throws. */
export function resolveEffect(draft: TurnDraft, { id, as, value }: EffectResolution, deliver: Deliver): void {
  const entry = draft.journal.find((each) => ownName(each) === id && each.state === 'maybe');
  if (entry === undefined)
    throw new WakebusError('EFFECT_NOT_FOUND', { address: addressOf(draft.memory.key), effect: id });
  const found = { draft, entry, spec: specOf(draft.memory.definition, entry), deliver };
  restoring(draft, () => {
    if (as === 'done') return finish(found, value);
    if (as === 'failed')
      return fail(found, failedBy(found, value === undefined ? 'an operator said so' : messageOf(value)));
    // Whoever says so answers for the key's age as well.
    const { firstMs: _first, ...rest } = withoutPhase(entry);
    draft.journal = replaced(draft.journal, { ...rest, state: 'planned', runs: 0 });
    return true;
  });
}

/** Gives an effect up whose event the machine throws on, again and again. */
export function dropEffect(draft: TurnDraft, generation: number, error: WakebusError): void {
  const entry = draft.journal.find((each) => each.generation === generation && isOpen(each));
  if (entry !== undefined) end({ draft, entry }, 'failed', error);
}

function onDone(found: Case, { output, files }: EffectResult): Verdict {
  const { draft, entry, spec } = found;
  if (files !== undefined) {
    // An operator has changed them meanwhile, or they are those of another life.
    if (!standsOn(files, draft.workspace)) return entry.state === 'started' ? onUnknown(found, OTHER_FILES) : true;
    draft.workspace = files.ref;
  }
  if (entry.phase === undefined) return finish(found, output);
  if (entry.phase === 'compensate') {
    const { id: effect, key } = entry;
    return fail(found, new WakebusError('EFFECT_COMPENSATED', { address: addressOf(draft.memory.key), effect, key }));
  }
  const lookup = output as Partial<Lookup<unknown>> | undefined;
  if (lookup?.happened === true) return finish(found, (lookup as { output?: unknown }).output);
  if (lookup?.happened !== false) return onFailed(found, new Error('the lookup gave no { happened }'), false);
  const run = { ...found, entry: withoutPhase(entry) };
  if (entry.runs <= (spec?.retry.attempts ?? 0)) return again(run, 0);
  return fail(run, failedBy(run, 'it has not happened, and its attempts are used up'));
}

function onFailed(found: Case, error: unknown, isFinal: boolean): Verdict {
  const { entry, spec } = found;
  const tries = entry.phase === undefined ? entry.runs : entry.attempt - (entry.phaseFrom ?? 0);
  if (!isFinal && spec !== undefined && tries <= spec.retry.attempts) return again(found, tries, factsOf(error));
  if (entry.phase === undefined) return fail(found, error);
  if (entry.phase === 'lookup') return byPolicy(found, `its lookup failed: ${messageOf(error)}`);
  return ask(found, `its compensation failed: ${messageOf(error)}`);
}

/** Nobody knows how an attempt ended. Asking and undoing are harmless to repeat; the effect itself is not. */
function onUnknown(found: Case, why: string): Verdict {
  const { draft, entry, spec } = found;
  draft.unknownEffects += 1;
  if (entry.phase !== undefined) return onFailed(found, new Error(why), false);
  if (spec?.lookup !== undefined) return inPhase(found, 'lookup', why);
  return byPolicy(found, why);
}

function byPolicy(found: Case, why: string): Verdict {
  const { entry, spec } = found;
  const run = { ...found, entry: withoutPhase(entry) };
  switch (spec?.onMaybe) {
    case 'retry':
      if (entry.runs <= spec.retry.attempts) return again(run, entry.runs, { code: 'EFFECT_MAYBE', message: why });
      return fail(run, maybe(run, `${why}; its attempts are used up`));
    case 'compensate':
      return inPhase(run, 'compensate', why);
    case 'fail':
      return fail(run, maybe(run, why));
    default:
      return ask(run, why);
  }
}

/** Plans another attempt, after a random wait that may be twice as long each time ("full jitter"). */
function again(found: Case, tries: number, error?: JournalEntry['error']): Verdict {
  const { draft, spec } = found;
  const { error: _last, ...entry } = unscheduled(found.entry);
  const mostMs = Math.min(LONGEST_BACKOFF_MS, (spec?.retry.backoffMs ?? 0) * 2 ** Math.max(0, tries - 1));
  const notBeforeMs = draft.env.nowMs + Math.round(mostMs * draft.jitter);
  if (spec !== undefined && isKeyOld(entry, spec, notBeforeMs)) return ask(found, OLD_KEY);
  const planned: JournalEntry = {
    ...entry,
    state: 'planned',
    ...(tries > 0 && { notBeforeMs }),
    ...(error !== undefined && { error }),
  };
  draft.journal = replaced(draft.journal, planned);
  draft.withdrawn.push(found.entry);
  draft.outputNames.push(`effect ${entry.id} again`);
  return true;
}

function inPhase(found: Case, phase: 'lookup' | 'compensate', why: string): Verdict {
  const entry = { ...found.entry, phase, phaseFrom: found.entry.attempt };
  return again({ ...found, entry }, 0, { code: 'EFFECT_MAYBE', message: why });
}

function ask(found: Case, why: string): Verdict {
  const { draft, entry } = found;
  draft.journal = replaced(draft.journal, unknown(entry, { code: 'EFFECT_MAYBE', message: why }));
  draft.outputNames.push(`effect ${entry.id} maybe`);
  draft.withdrawn.push(entry);
  return true;
}

function finish(found: Case, output: unknown): Verdict {
  const { entry, deliver } = found;
  end(found, 'done');
  deliver({ type: `xstate.done.actor.${entry.id}`, output, actorId: entry.id }, entry.actor);
  return true;
}

function fail(found: Case, error: unknown): Verdict {
  const { entry, deliver } = found;
  end(found, 'failed', error);
  return deliver({ type: `xstate.error.actor.${entry.id}`, error, actorId: entry.id }, entry.actor);
}

function end({ draft, entry }: Pick<Case, 'draft' | 'entry'>, state: 'done' | 'failed', error?: unknown): void {
  const facts = error === undefined ? undefined : factsOf(error);
  draft.journal = replaced(draft.journal, ended(entry, state, draft.env.nowMs, facts));
  draft.withdrawn.push(entry);
  if (draft.snapshot !== undefined) draft.snapshot = withEffects(draft.snapshot, openEffects(draft.journal));
}

/** A machine that throws on what it is told leaves the draft as it was. */
function restoring(draft: TurnDraft, work: () => Verdict): Verdict {
  const { journal, snapshot, workspace } = draft;
  const names = draft.outputNames.length;
  const withdrawn = draft.withdrawn.length;
  try {
    return work();
  } catch (thrown) {
    draft.journal = journal;
    draft.snapshot = snapshot;
    draft.workspace = workspace;
    draft.outputNames.length = names;
    draft.withdrawn.length = withdrawn;
    throw thrown;
  }
}

function withoutPhase({ phase: _phase, phaseFrom: _from, ...entry }: JournalEntry): JournalEntry {
  return entry;
}

function maybe({ draft, entry }: Case, why: string): WakebusError<'EFFECT_MAYBE'> {
  const { id: effect, key } = entry;
  return new WakebusError('EFFECT_MAYBE', { address: addressOf(draft.memory.key), effect, key, why });
}

function failedBy({ draft, entry }: Case, reason: string): WakebusError<'EFFECT_FAILED'> {
  return new WakebusError('EFFECT_FAILED', { address: addressOf(draft.memory.key), effect: entry.id, reason });
}

function factsOf(error: unknown): { code: string; message: string } {
  const code: unknown = (error as { code?: unknown } | null | undefined)?.code;
  return { code: typeof code === 'string' ? code : 'EFFECT_FAILED', message: messageOf(error).slice(0, 500) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
