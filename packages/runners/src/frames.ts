/**
 * The frames between a placement node and a program: one JSON object a line, in UTF-8. PROTOCOL.md has them in full.
 *
 * A program's frames up to `done` make its answer. A line that is no frame is what the program prints, and nothing else.
 */
import type { ProgramAnswer, ProgramQuestion, ProgramStart } from '@wakebus/core';
import { type AgentEvent, toJson } from '@wakebus/protocol';

/** Of the frames; a program that speaks a later one says so in its `hello`, and is refused. */
export const PROTOCOL_VERSION = 1;
/** A longer line is not read on, in bytes: a state of this size belongs into a file. */
export const LINE_LIMIT_BYTES: number = 8 * 1024 * 1024;
/** The frames of one answer take at most so much together, in bytes: they are in this node's memory until it is whole. */
export const ANSWER_LIMIT_BYTES: number = 16 * 1024 * 1024;
/** What a frame takes besides its text, in bytes. */
export const FRAME_BYTES = 128;
/** Timers come within a hundred years, in milliseconds: no server takes a later date than those of four digits. */
const LONGEST_DELAY_MS = 3_155_760_000_000;

/** What a program may say. */
export type ProgramFrame =
  | { readonly type: 'hello'; readonly protocol: number }
  | { readonly type: 'state'; readonly state: unknown }
  | { readonly type: 'reply'; readonly value: unknown }
  | { readonly type: 'refuse'; readonly reason: string; readonly detail?: unknown }
  | { readonly type: 'send'; readonly to: string; readonly event: AgentEvent }
  | { readonly type: 'timer'; readonly id: string; readonly delayMs: number; readonly event: AgentEvent }
  | { readonly type: 'cancel'; readonly id: string }
  | { readonly type: 'emit'; readonly event: AgentEvent }
  | { readonly type: 'sleep' }
  | { readonly type: 'complete'; readonly output: unknown }
  | { readonly type: 'done'; readonly seq: number }
  | { readonly type: 'error'; readonly seq: number; readonly message: string }
  | { readonly type: 'pong'; readonly n: number };

/** What must stand in a frame, by its type. */
const fields: Readonly<Record<ProgramFrame['type'], Readonly<Record<string, (value: unknown) => boolean>>>> = {
  hello: { protocol: isNumber },
  state: { state: isThere },
  reply: { value: isThere },
  refuse: { reason: isText },
  send: { to: isText, event: isEvent },
  timer: { id: isText, delayMs: isDelay, event: isEvent },
  cancel: { id: isText },
  emit: { event: isEvent },
  sleep: {},
  complete: { output: isThere },
  done: { seq: isNumber },
  error: { seq: isNumber, message: isText },
  pong: { n: isNumber },
};

/** What a line of a program's output is. */
export type Line =
  | { readonly kind: 'frame'; readonly frame: ProgramFrame }
  /** It means to be a frame, and is none. */
  | { readonly kind: 'fault'; readonly why: string }
  | { readonly kind: 'text' };

export function readLine(line: string): Line {
  if (!line.startsWith('{')) return { kind: 'text' };
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(line) as typeof value;
  } catch {
    return { kind: 'text' };
  }
  const { type } = value;
  if (typeof type !== 'string' || !Object.hasOwn(fields, type)) return { kind: 'text' };
  const wrong = Object.entries(fields[type as ProgramFrame['type']]).find(([field, holds]) => !holds(value[field]));
  if (wrong !== undefined) return { kind: 'fault', why: `the field "${wrong[0]}" of its frame "${type}" is wrong` };
  return { kind: 'frame', frame: value as unknown as ProgramFrame };
}

export function wakeFrame({ address, epoch, state, cause, headers }: ProgramStart): string {
  return frame({ type: 'wake', protocol: PROTOCOL_VERSION, address, epoch, cause, state, ...traceOf(headers) });
}

export function eventFrame(question: ProgramQuestion, headers: ProgramStart['headers']): string {
  const { seq, event, attempt, from, id } = question;
  return frame({ type: 'event', seq, event, attempt, from, id, ...traceOf(headers) });
}

export function pingFrame(n: number): string {
  return frame({ type: 'ping', n });
}

/** What the frames before a `done` come to. Of `state`, `reply` and the like the last one counts. */
export function answerOf(frames: readonly ProgramFrame[]): ProgramAnswer {
  const sends: Array<NonNullable<ProgramAnswer['sends']>[number]> = [];
  const timers: Array<NonNullable<ProgramAnswer['timers']>[number]> = [];
  const cancels: string[] = [];
  const emits: AgentEvent[] = [];
  let rest: ProgramAnswer = {};
  for (const said of frames) {
    if (said.type === 'send') sends.push({ to: said.to, event: said.event });
    else if (said.type === 'timer') timers.push({ id: said.id, delayMs: said.delayMs, event: said.event });
    else if (said.type === 'cancel') cancels.push(said.id);
    else if (said.type === 'emit') emits.push(said.event);
    else rest = { ...rest, ...single(said) };
  }
  return { ...rest, sends, timers, cancels, emits };
}

function single(said: ProgramFrame): ProgramAnswer {
  switch (said.type) {
    case 'state':
      return { state: said.state };
    case 'reply':
      return { reply: said.value };
    case 'refuse':
      return { refuse: { reason: said.reason, ...(said.detail !== undefined && { detail: said.detail }) } };
    case 'sleep':
      return { sleep: true };
    case 'complete':
      return { complete: { output: said.output } };
    default:
      return {};
  }
}

function frame(value: Readonly<Record<string, unknown>>): string {
  return `${toJson(value)}\n`;
}

function traceOf(headers: ProgramStart['headers']): object {
  const { traceparent, tracestate } = headers ?? {};
  return { ...(traceparent !== undefined && { traceparent }), ...(tracestate !== undefined && { tracestate }) };
}

function isThere(value: unknown): boolean {
  return value !== undefined;
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isDelay(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= LONGEST_DELAY_MS;
}

function isEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}
