/**
 * What travels besides outside events: runtime messages into an inbox, births, dead letters, history
 * entries and live events. Each is MessagePack under a version.
 *
 * An outside event has no envelope: its subject names it and its payload is its data.
 */
import type { AgentKey } from './address.ts';
import { decode } from './codec.ts';
import { WakebusError } from './errors.ts';
import { isSnapshotId } from './kept-snapshot.ts';
import type { LifecycleName } from './record.ts';
import type { Schedule } from './schedule.ts';
import { type WorkspaceChange, whyNoWorkspace } from './workspace-ref.ts';

/** An event as a machine gets it. */
export interface AgentEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** `….s.message`: one agent's message to another. */
export interface AgentMessage {
  readonly v: 1;
  readonly sender: AgentKey;
  readonly incarnation: number;
  readonly number: number;
  readonly previous: number;
  /** When the message before it was sent: a receiver that forgets sooner does not wait for it. */
  readonly previousMs?: number;
  /** When it was committed by its sender: one that comes later than its receiver remembers may be a repetition. */
  readonly atMs?: number;
  readonly id: string;
  readonly event: AgentEvent;
}

/** `….s.timer`: a timer of this agent fired. */
export interface TimerFire {
  readonly v: 1;
  readonly id: string;
  readonly generation: number;
  readonly dueMs: number;
}

/** `….s.effect`: how an attempt of an effect ended, said by whoever ran it or found out that nobody does. */
export interface EffectResult {
  readonly v: 1;
  readonly id: string;
  readonly generation: number;
  readonly attempt: number;
  readonly outcome: 'done' | 'failed' | 'maybe';
  /** What it gave, when it is done. */
  readonly output?: unknown;
  /** What it threw, when it failed; why nobody knows, when it is `maybe`. */
  readonly error?: unknown;
  /** It would fail again: no further attempt. */
  readonly isFinal?: boolean;
  /** What has become of the agent's files, when it is done and has changed them. */
  readonly files?: WorkspaceChange;
}

/** What an operator says of an effect that nobody knows about: how it ended, or that it may be run again. */
export interface EffectResolution {
  readonly id: string;
  readonly as: 'done' | 'failed' | 'retry';
  /** Its output, or the reason for its failure. */
  readonly value?: unknown;
}

/** What an operator takes an agent back to, or begins another one from. */
export interface Restoration {
  /** ID of one of the agent's kept snapshots. */
  readonly snapshot: string;
  /** There must be no such agent: it begins its life with this. */
  readonly isBirth?: boolean;
  /** What becomes of the delayed events of then: they come at their times, or not at all. @default "keep" */
  readonly timers?: 'keep' | 'drop';
  /** What becomes of effects that are not over now. @default it is refused */
  readonly effects?: 'abort';
}

/** `….s.control`: what an operator asks of an agent, in or out of turn. */
export interface ControlMessage {
  readonly v: 1;
  readonly verb:
    | 'remove'
    | 'suspend'
    | 'release'
    | 'recover'
    | 'clear'
    | 'resolve'
    | 'schedule'
    | 'unschedule'
    | 'fire'
    | 'restore';
  readonly reason?: string;
  /** With `recover`, of an agent in quarantine: go on from what is stored, or begin a new life. */
  readonly decision?: 'keep' | 'anew';
  /** With `resolve`. */
  readonly effect?: EffectResolution;
  /** With `restore`. */
  readonly restore?: Restoration;
  /** With `schedule`, which makes or replaces one; `unschedule` and `fire` need the ID only, which may be any timer's. */
  readonly timer?: { readonly id: string; readonly schedule?: Schedule };
}

/** The one message of an address in `births`. */
export interface Birth {
  readonly v: 1;
  readonly incarnation: number;
  /** Incarnation of the inbox stream, and the sequence in it of the event that brought the agent to life. */
  readonly inbox: string;
  readonly seq: number;
  readonly atMs: number;
}

/** A message that was given up, or held. The original payload follows unchanged. */
export interface ParkedMessage {
  readonly v: 1;
  readonly key: string;
  readonly seq: number;
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  readonly atMs: number;
}

/** One commit, as history keeps it. At least once, under the ID (agent, commit). */
export interface HistoryEntry {
  readonly v: 1;
  readonly commit: string;
  readonly turn: number;
  readonly node: string;
  readonly epoch: number;
  readonly atMs: number;
  readonly lifecycle: LifecycleName;
  readonly events: ReadonlyArray<HistoryEvent>;
  readonly state: unknown;
  readonly outputs: readonly string[];
  /** What it took, where its writer knew: not in an entry that was written again after a crash. */
  readonly cost?: { readonly turnMs: number; readonly recordBytes: number };
  /** Failed tries of its first message before this one. */
  readonly tries?: number;
  /** Effects that this commit has planned, or whose end it has taken. */
  readonly effects?: readonly HistoryEffect[];
  /** What woke the agent, on the first commit of a session. */
  readonly wake?: string;
  readonly traceparent?: string;
}

/** An effect, as a commit leaves it. */
export interface HistoryEffect {
  readonly id: string;
  /** What its receiver knows it by. */
  readonly key: string;
  readonly state: string;
  readonly attempt: number;
  /** The placement node that ran it last. */
  readonly node?: string;
  /** From its first start to its end, in milliseconds. */
  readonly tookMs?: number;
  /** How it failed, or that nobody knows. */
  readonly code?: string;
}

/** One consumed event. Its payload is kept up to 16 KB. */
export interface HistoryEvent {
  readonly seq: number;
  readonly type: string;
  readonly id?: string;
  readonly from?: string;
  readonly payload?: unknown;
  /** What the agent's gate did with it, where it kept it from the machine. */
  readonly gate?: { readonly rule: string; readonly verdict: 'drop' | 'defer' | 'merge'; readonly reason: string };
}

/** Payloads up to this size, in bytes, are kept in history. */
export const HISTORY_PAYLOAD_LIMIT_BYTES: number = 16 * 1024;

/** What `observe` sees: plain messages, lost when nobody listens. */
export type LiveEvent =
  | {
      readonly kind: 'lifecycle';
      readonly name: string;
      readonly node: string;
      readonly atMs: number;
      readonly cause?: string;
    }
  | { readonly kind: 'emit'; readonly event: AgentEvent; readonly turn: number; readonly atMs: number };

/**
 * Reads an envelope and checks that the named fields have the named types.
 *
 * @throws {WakebusError} `INVALID_PAYLOAD`.
 */
export function readEnvelope(
  bytes: Uint8Array,
  shape: Readonly<Record<string, 'string' | 'number' | 'object'>>,
): Record<string, unknown> {
  const value = decode(bytes) as Record<string, unknown> | null;
  if (typeof value !== 'object' || value === null || value['v'] !== 1)
    throw new WakebusError('INVALID_PAYLOAD', { why: 'it is not an envelope of version 1' });
  for (const [field, type] of Object.entries(shape)) {
    if (typeof value[field] !== type || value[field] === null)
      throw new WakebusError('INVALID_PAYLOAD', { why: `the envelope's field ${field} is not a ${type}` });
  }
  return value;
}

/** Reads `….s.message`. @throws {WakebusError} `INVALID_PAYLOAD`. */
export function readAgentMessage(bytes: Uint8Array): AgentMessage {
  return readEnvelope(bytes, {
    sender: 'string',
    incarnation: 'number',
    number: 'number',
    previous: 'number',
    id: 'string',
    event: 'object',
  }) as unknown as AgentMessage;
}

/** Reads `….s.timer`. @throws {WakebusError} `INVALID_PAYLOAD`. */
export function readTimerFire(bytes: Uint8Array): TimerFire {
  return readEnvelope(bytes, { id: 'string', generation: 'number', dueMs: 'number' }) as unknown as TimerFire;
}

/** Reads `….s.effect`. @throws {WakebusError} `INVALID_PAYLOAD`. */
export function readEffectResult(bytes: Uint8Array): EffectResult {
  const shape = { id: 'string', generation: 'number', attempt: 'number', outcome: 'string' } as const;
  const result = readEnvelope(bytes, shape) as unknown as EffectResult;
  const why = result.files === undefined ? undefined : whyNoWorkspace(result.files.ref);
  if (why !== undefined) throw new WakebusError('INVALID_PAYLOAD', { why });
  return result;
}

/** Reads `….s.control`. @throws {WakebusError} `INVALID_PAYLOAD`. */
export function readControl(bytes: Uint8Array): ControlMessage {
  const control = readEnvelope(bytes, { verb: 'string' }) as unknown as ControlMessage;
  if (control.verb === 'resolve' && (typeof control.effect?.id !== 'string' || !isResolution(control.effect.as)))
    throw new WakebusError('INVALID_PAYLOAD', { why: 'it does not say which effect is to be resolved, and how' });
  if (TIMER_VERBS.has(control.verb) && typeof control.timer?.id !== 'string')
    throw new WakebusError('INVALID_PAYLOAD', { why: 'it does not say which timer it is about' });
  if (control.verb === 'restore' && !isSnapshotId(control.restore?.snapshot))
    throw new WakebusError('INVALID_PAYLOAD', { why: 'it does not say which snapshot is to be restored' });
  return control;
}

const TIMER_VERBS: ReadonlySet<ControlMessage['verb']> = new Set(['schedule', 'unschedule', 'fire']);

function isResolution(as: unknown): boolean {
  return as === 'done' || as === 'failed' || as === 'retry';
}
