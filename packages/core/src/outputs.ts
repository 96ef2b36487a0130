/**
 * Outputs: what a step wants done once it is committed, made from the actions that XState would execute.
 *
 * What cannot be kept is refused here too, although `machine-check.ts` looks for it: it cannot see into
 * `enqueueActions`.
 */
import { type AgentEvent, EVENT_LIMIT_BYTES, WakebusError, encodedSizeBytes } from '@wakebus/protocol';
import type { ExecutableActionObject } from 'xstate';
import { type MarkedOutput, resolveMarked } from './actions.ts';
import { checkEvent } from './event-check.ts';
import type { ActorName } from './family/family.ts';

/** Of which child actor an output is, where it is not the agent's own machine. */
interface Owned {
  readonly actor?: ActorName;
}

/** Something that the machine wants done once the step is committed. Events and values in it are durable. */
export type Output =
  | MarkedOutput
  | { readonly kind: 'emit'; readonly event: AgentEvent }
  | TimerOutput
  | (Owned & { readonly kind: 'cancel'; readonly id: string })
  | EffectOutput
  | (Owned & { readonly kind: 'abort'; readonly id: string })
  /** A child actor is over: its timers are cancelled, and its effects aborted. */
  | { readonly kind: 'end'; readonly actor: string }
  /** A custom action: run best-effort after the commit. */
  | { readonly kind: 'action'; readonly name: string; readonly run: () => void };

/** Arms a timer; one of the same ID is replaced. Without an ID nothing can cancel it, so any unused one does. */
export interface TimerOutput extends Owned {
  readonly kind: 'timer';
  readonly id: string | undefined;
  readonly delayMs: number;
  readonly event: AgentEvent;
  /** Whom the event is for, where that is another actor than the one that sends it; `null` is the agent's own machine. */
  readonly to?: string | null | undefined;
  /** How it stands still while the agent sleeps, where it does. */
  readonly sleep?: 'remaining' | 'restart';
}

/** Starts an effect after the commit; one of the same ID is aborted. */
export interface EffectOutput extends Owned {
  readonly kind: 'effect';
  readonly id: string;
  readonly src: string;
  readonly input: unknown;
  /** Names under which its machine is found from the agent's own. */
  readonly machines?: readonly string[];
}

/** The error for an action that cannot be kept, found while running. */
export function unsupported(agentType: string, during: string, why: string): WakebusError<'MACHINE_UNSUPPORTED'> {
  return new WakebusError('MACHINE_UNSUPPORTED', { agentType, path: `an action of ${during}`, why });
}

/**
 * The output of an action, or `undefined` for one that XState has already dealt with. What moves actors
 * is none (`family/family-step.ts`).
 *
 * @param during - What the step was about, for errors.
 * @throws {WakebusError} `MACHINE_UNSUPPORTED`, `VALUE_NOT_DURABLE`, `EVENT_TOO_LARGE`, `RESERVED_EVENT`, `INVALID_ADDRESS`; or what the author's expressions threw.
 */
export function toOutput(agentType: string, action: ExecutableActionObject, during: string): Output | undefined {
  const { type, params, info, exec } = action as { type: string; params: unknown; info: never; exec: unknown };
  switch (type) {
    case 'xstate.raise':
    case 'xstate.sendTo':
      return toTimer(agentType, params as RaiseParams, during);
    case 'xstate.cancel':
      return { kind: 'cancel', id: (params as { sendId: string }).sendId };
    case 'xstate.emit':
      return durable({ kind: 'emit', event: (params as { event: AgentEvent }).event });
    default:
      return toCustom(agentType, type, exec, info, params, during);
  }
}

interface RaiseParams {
  readonly event: AgentEvent;
  readonly delay?: number;
  readonly id?: string;
  readonly sleep?: 'remaining' | 'restart';
}

/** An immediate `raise` is part of the step. XState would take a delay that is no number for none, and fire at once. */
function toTimer(agentType: string, raise: RaiseParams, during: string): Output | undefined {
  const { event, delay, id, sleep } = raise;
  if (delay === undefined && !event.type.startsWith('xstate.after.')) return undefined;
  if (typeof delay !== 'number' || !Number.isFinite(delay)) {
    throw unsupported(
      agentType,
      during,
      `the delay of "${event.type}" is ${String(delay)} and not a number of milliseconds`,
    );
  }
  if (id !== undefined && typeof id !== 'string')
    throw unsupported(agentType, during, `the ID of a delayed "${event.type}" is no text`);
  return durable({ kind: 'timer', id, delayMs: Math.max(0, delay), event, ...(sleep !== undefined && { sleep }) });
}

function toCustom(
  agentType: string,
  type: string,
  exec: unknown,
  info: never,
  params: unknown,
  during: string,
): Output {
  if (typeof exec !== 'function') throw unsupported(agentType, during, `the action "${type}" has no implementation`);
  const marked = resolveMarked(exec, info, params);
  if (marked === undefined)
    return {
      kind: 'action',
      name: type,
      run: () => void (exec as (info: unknown, params: unknown) => unknown)(info, params),
    };
  if (marked.kind === 'send') checkEvent(marked.event);
  return durable(marked);
}

/** Refused while the step can still fail alone; at the commit, or in the relay, it would take its neighbours along. */
export function durable(output: Exclude<Output, { kind: 'action' | 'cancel' | 'abort' | 'end' }>): Output {
  if (output.kind === 'reply') encodedSizeBytes({ reply: output.value });
  else if (output.kind === 'refuse') encodedSizeBytes({ detail: output.detail });
  else if (output.kind === 'effect') limited(encodedSizeBytes({ input: output.input }));
  else if (output.kind === 'schedule') limited(encodedSizeBytes({ schedule: output.schedule }));
  else if (output.kind !== 'sleep' && output.kind !== 'unschedule') {
    const sizeBytes = encodedSizeBytes({ event: output.event });
    if (output.kind !== 'timer') limited(sizeBytes);
  }
  return output;
}

function limited(sizeBytes: number): void {
  if (sizeBytes > EVENT_LIMIT_BYTES)
    throw new WakebusError('EVENT_TOO_LARGE', { sizeBytes, limitBytes: EVENT_LIMIT_BYTES });
}
