/**
 * Every error that Wakebus gives to a caller or writes into a dead letter: its code, what happens
 * next, the facts that it carries, and the sentence that tells an operator what to do.
 *
 * One table, so that `ERRORS.md` can be held to it in both directions. Errors of starting a local
 * nats-server are in `@wakebus/nats-server`, which depends on nothing here.
 */
import { type ChannelFacts, channelErrors } from './channel-errors.ts';
import type { ErrorClass, ErrorSpec } from './error-spec.ts';
import { type GatewayFacts, gatewayErrors } from './gateway-errors.ts';
import { type HistoryFacts, historyErrors } from './history-errors.ts';
import { type ApartFacts, apartErrors } from './apart-errors.ts';
import { type SourceFacts, sourceErrors } from './source-errors.ts';

/** The facts that errors carry, by code. */
interface FactsByCode extends GatewayFacts, ChannelFacts, HistoryFacts, SourceFacts, ApartFacts {
  // Of sending and calling.
  INVALID_ADDRESS: { address: string; why: string };
  INVALID_EVENT: { event: string; why: string };
  INVALID_PAYLOAD: { why: string };
  INVALID_OPTION: { option: string; why: string };
  EVENT_TOO_LARGE: { sizeBytes: number; limitBytes: number };
  RESERVED_EVENT: { event: string };
  INBOX_FULL: { stream: string; fill: number };
  UNAVAILABLE: { what: string };
  OUTCOME_UNKNOWN: { what: string; id: string };
  CALL_TIMEOUT: { address: string; messageId: string; deadlineMs: number };
  REPLY_EXPIRED: { address: string; messageId: string };
  AGENT_REFUSED: { address: string; reason: string; detail?: unknown };
  AGENT_COMPLETED: { address: string };
  AGENT_REMOVED: { address: string };
  AGENT_NOT_FOUND: { address: string };
  EVENT_UNKNOWN: { address: string; event: string };
  EVENT_GATED: { address: string; event: string; rule: string; reason: string };
  DEAD_LETTERED: { address: string; seq: number; attempts: number; reason: string };
  MESSAGE_STALE: { address: string; sender: string };
  PARKED_NOT_FOUND: { id: number; where: string };
  NOT_REPLAYABLE: { id: number; address: string; why: string };
  // Of defining an agent.
  MACHINE_UNSUPPORTED: { agentType: string; path: string; why: string };
  VALUE_NOT_DURABLE: { path: string; why: string };
  VERSION_UNREACHABLE: { agentType: string; from: number; to: number; missing: number };
  STATE_HOMELESS: { agentType: string; version: number; state: string };
  // Of running one.
  TURN_FAILED: { address: string; event: string; reason: string };
  AGENT_FAILED: { address: string; seq: number; attempts: number; reason: string };
  TURN_TOO_LARGE: { address: string; sizeBytes: number; limitBytes: number; parts: Record<string, number> };
  RECORD_DAMAGED: { address: string; why: string };
  RECORD_MISSING: { address: string };
  CHUNK_MISSING: { address: string; chunk: string };
  CHUNK_DAMAGED: { chunk: string; why: string };
  WORKSPACE_DAMAGED: { address: string; why: string };
  WORKSPACE_REFUSED: { address: string; path: string; why: string };
  WORKSPACE_TOO_LARGE: { address: string; what: string; limit: number };
  RECORD_NEWER: { address: string; format: number; known: number };
  VERSION_NEWER: { address: string; version: number; known: number };
  SNAPSHOT_HOMELESS: { address: string; why: string };
  INBOX_RESTORED: { address: string; why: string };
  RELAY_STALLED: { address: string; entries: number };
  EFFECT_MAYBE: { address: string; effect: string; key: string; why: string };
  EFFECT_FAILED: { address: string; effect: string; reason: string };
  EFFECT_COMPENSATED: { address: string; effect: string; key: string };
  EFFECT_NOT_FOUND: { address: string; effect: string };
  RESOURCES_CLOSED: { name: string };
  PHASE_TIMEOUT: { address: string; phase: string; limit: string; limitMs: number };
  EFFECT_CANCELLED: { address: string; effect: string; schedule: string };
  TIMER_NOT_FOUND: { address: string; timer: string };
  COMMITS_UNANSWERED: { commits: number };
  // Of the server and its streams.
  SERVER_TOO_OLD: { version: string; needed: string };
  JETSTREAM_DISABLED: { url: string };
  STREAM_MISSING: { stream: string };
  STREAM_MISCONFIGURED: { stream: string; field: string; actual: string; needed: string };
  NOT_DURABLE_ENOUGH: { what: string; actual: string; needed: string };
  NOT_CONNECTED: { servers: string };
  LEASE_LOST: { nodeId: string };
  POOL_CONFLICT: { agentType: string; pool: string; other: string };
  OBJECTS_ELSEWHERE: { here: string; there: string };
}

const catalog: { readonly [C in keyof FactsByCode]: ErrorSpec<FactsByCode[C]> } = {
  // Of sending and calling.
  INVALID_ADDRESS: { next: 'terminal', message: (f) => `"${f.address}" is not an agent address: ${f.why}.` },
  INVALID_EVENT: { next: 'terminal', message: (f) => `The event "${f.event}" was refused: ${f.why}.` },
  INVALID_PAYLOAD: { next: 'terminal', message: (f) => `The payload was refused: ${f.why}.` },
  INVALID_OPTION: { next: 'terminal', message: (f) => `The option "${f.option}" is wrong: ${f.why}.` },
  EVENT_TOO_LARGE: {
    next: 'terminal',
    message: (f) =>
      `The event has ${f.sizeBytes} bytes, over the limit of ${f.limitBytes}. Put large data into an object and send its name.`,
  },
  RESERVED_EVENT: {
    next: 'terminal',
    message: (f) =>
      `The event "${f.event}" is one that only the runtime may send. Choose a name that does not start with "xstate." or "wakebus.".`,
  },
  INBOX_FULL: {
    next: 'retryable',
    message: (f) =>
      `The inbox ${f.stream} is ${Math.round(f.fill * 100)} % full and takes no outside events. Try again later, or raise its limits.`,
  },
  UNAVAILABLE: { next: 'retryable', message: (f) => `${f.what} did not answer. Nothing was changed; try again.` },
  OUTCOME_UNKNOWN: {
    next: 'unknown',
    message: (f) =>
      `${f.what} was sent but not confirmed: it may have happened. Repeat it under the same ID (${f.id}); that cannot double it.`,
  },
  CALL_TIMEOUT: {
    next: 'unknown',
    message: (f) =>
      `${f.address} stored the event but did not answer within ${f.deadlineMs} ms. Ask again with the ID ${f.messageId} to get the answer.`,
  },
  REPLY_EXPIRED: {
    next: 'terminal',
    message: (f) => `${f.address} has processed ${f.messageId}, and its answer is no longer kept.`,
  },
  AGENT_REFUSED: { next: 'terminal', message: (f) => `${f.address} refused: ${f.reason}.` },
  AGENT_COMPLETED: { next: 'terminal', message: (f) => `${f.address} has completed and takes no more events.` },
  AGENT_REMOVED: { next: 'terminal', message: (f) => `${f.address} was removed and its type forbids a second birth.` },
  AGENT_NOT_FOUND: {
    next: 'terminal',
    message: (f) => `There is no agent ${f.address}. An agent is born by its first event.`,
  },
  EVENT_UNKNOWN: {
    next: 'terminal',
    message: (f) => `The machine of ${f.address} knows no event "${f.event}". The event is in the dead letters.`,
  },
  EVENT_GATED: {
    next: 'terminal',
    message: (f) => `The gate of ${f.address} kept "${f.event}" from it (rule ${f.rule}): ${f.reason}.`,
  },
  DEAD_LETTERED: {
    next: 'terminal',
    message: (f) =>
      `${f.address} failed ${f.attempts} times on message ${f.seq}, which is now in the dead letters: ${f.reason}.`,
  },
  MESSAGE_STALE: {
    next: 'terminal',
    message: (f) =>
      `A message of ${f.sender} came to ${f.address} later than the dedupe horizon of that type: it may have come before and be forgotten. Look, then redeliver it or not; give both types the same dedupe.horizonMs.`,
  },
  PARKED_NOT_FOUND: {
    next: 'terminal',
    message: (f) => `There is no message ${f.id} in the ${f.where}: it was replayed or discarded, or is too old.`,
  },
  NOT_REPLAYABLE: {
    next: 'terminal',
    message: (f) =>
      `Dead letter ${f.id} of ${f.address} cannot be replayed: ${f.why}. Send a new event, or discard it.`,
  },
  // Of defining an agent.
  MACHINE_UNSUPPORTED: {
    next: 'terminal',
    message: (f) => `The machine of agent type "${f.agentType}" cannot sleep: at ${f.path}, ${f.why}.`,
  },
  VALUE_NOT_DURABLE: { next: 'terminal', message: (f) => `The value at ${f.path} cannot be stored: ${f.why}.` },
  VERSION_UNREACHABLE: {
    next: 'terminal',
    message: (f) =>
      `Agent type "${f.agentType}" has no migration to version ${f.missing}, needed from version ${f.from} to ${f.to}. Add migrate[${f.missing}].`,
  },
  STATE_HOMELESS: {
    next: 'terminal',
    message: (f) =>
      `Agent type "${f.agentType}" has no home for the state ${f.state} of version ${f.version}. Add a migration that moves it.`,
  },
  // Of running one.
  TURN_FAILED: { next: 'retryable', message: (f) => `The machine of ${f.address} threw on "${f.event}": ${f.reason}.` },
  AGENT_FAILED: {
    next: 'quarantine',
    message: (f) =>
      `${f.address} failed ${f.attempts} times on message ${f.seq} and takes no more, as its type asks (onPoison: 'stop'): ${f.reason}. Its mailbox is kept; mend the cause and release the agent.`,
  },
  TURN_TOO_LARGE: {
    next: 'quarantine',
    message: (f) =>
      `The turn of ${f.address} makes a record of ${f.sizeBytes} bytes, over ${f.limitBytes} (${Object.entries(f.parts)
        .map(([part, size]) => `${part} ${size}`)
        .join(', ')}). The agent is suspended and nothing is lost; make the largest part smaller and release it.`,
  },
  RECORD_DAMAGED: {
    next: 'quarantine',
    message: (f) =>
      `The record of ${f.address} cannot be read: ${f.why}. It is left untouched; restore it from a backup or remove the agent.`,
  },
  RECORD_MISSING: {
    next: 'quarantine',
    message: (f) =>
      `${f.address} was born but its record is gone. It is not born again; restore the record or remove the agent.`,
  },
  CHUNK_MISSING: {
    next: 'quarantine',
    message: (f) =>
      `The record of ${f.address} names the chunk ${f.chunk}, and the object store does not have it. Nothing of the agent is run; restore the chunk, or recover the agent anew, or remove it.`,
  },
  CHUNK_DAMAGED: {
    next: 'quarantine',
    message: (f) =>
      `The chunk ${f.chunk} in the object store is damaged: ${f.why}. Nothing is made of it; restore it from a backup, or recover the agent that needs it anew.`,
  },
  WORKSPACE_DAMAGED: {
    next: 'quarantine',
    message: (f) =>
      `The workspace of ${f.address} cannot be read: ${f.why}. Nothing is made of a part of it; restore its chunks from a backup, or recover the agent anew.`,
  },
  WORKSPACE_REFUSED: {
    next: 'terminal',
    message: (f) =>
      `The workspace of ${f.address} cannot hold ${JSON.stringify(f.path)}: ${f.why}. The files of the agent are as they were; remove it, or have it ignored.`,
  },
  WORKSPACE_TOO_LARGE: {
    next: 'terminal',
    message: (f) =>
      `The workspace of ${f.address} would have more than ${f.limit} ${f.what}. The files of the agent are as they were; leave less, or raise the limit of the agent type.`,
  },
  RECORD_NEWER: {
    next: 'retryable',
    message: (f) =>
      `The record of ${f.address} has format ${f.format}, newer than ${f.known} here. It stays asleep until a newer placement node takes it.`,
  },
  VERSION_NEWER: {
    next: 'retryable',
    message: (f) =>
      `${f.address} runs version ${f.version} of its machine, newer than ${f.known} here. It stays asleep until a newer placement node takes it.`,
  },
  SNAPSHOT_HOMELESS: {
    next: 'quarantine',
    message: (f) =>
      `The state of ${f.address} does not fit its machine: ${f.why}. It stays asleep with its mailbox; deploy a machine or a migration that has a home for it.`,
  },
  INBOX_RESTORED: {
    next: 'quarantine',
    message: (f) =>
      `The inbox does not match the record of ${f.address}: ${f.why}. It was restored or recreated; an operator must decide.`,
  },
  RELAY_STALLED: {
    next: 'retryable',
    message: (f) =>
      `${f.address} has ${f.entries} messages that could not be handed over. It takes no turns until they are.`,
  },
  EFFECT_MAYBE: {
    next: 'unknown',
    message: (f) =>
      `The effect "${f.effect}" of ${f.address} was started, and whether it happened is not known: ${f.why}. Look at its receiver for the key ${f.key}.`,
  },
  EFFECT_FAILED: {
    next: 'terminal',
    message: (f) => `The effect "${f.effect}" of ${f.address} failed: ${f.reason}.`,
  },
  EFFECT_COMPENSATED: {
    next: 'terminal',
    message: (f) =>
      `Whether the effect "${f.effect}" of ${f.address} happened was not known, and it has been compensated (key ${f.key}).`,
  },
  EFFECT_NOT_FOUND: {
    next: 'terminal',
    message: (f) =>
      `${f.address} has no effect "${f.effect}" that waits for an operator. "wakebus effects list" shows those that do.`,
  },
  EFFECT_CANCELLED: {
    next: 'terminal',
    message: (f) =>
      `The effect "${f.effect}" of ${f.address} was cancelled while it ran: the next occurrence of the schedule "${f.schedule}" has come.`,
  },
  TIMER_NOT_FOUND: {
    next: 'terminal',
    message: (f) =>
      `${f.address} has no timer or schedule "${f.timer}". "wakebus timers list" shows those that it has.`,
  },
  PHASE_TIMEOUT: {
    next: 'retryable',
    message: (f) =>
      `The phase "${f.phase}" of ${f.address} took longer than ${f.limitMs} ms (limits.${f.limit}) and was left; nothing is lost, and it is tried again. If it lasts, look at the servers and the network.`,
  },
  RESOURCES_CLOSED: {
    next: 'terminal',
    message: (f) =>
      `The resource "${f.name}" was asked for by an effect that is over. Look at its signal: what goes on after it has aborted holds nothing any more.`,
  },
  COMMITS_UNANSWERED: {
    next: 'retryable',
    message: (f) =>
      `${f.commits} commits have had no answer and are tried again. A stream without a leader elects one within 10 s; if it lasts, look at the servers: a full disk freezes a stream until its server is restarted.`,
  },
  // Of the server and its streams.
  SERVER_TOO_OLD: {
    next: 'terminal',
    message: (f) => `The nats-server is ${f.version}; Wakebus needs ${f.needed} or newer. Upgrade the server.`,
  },
  JETSTREAM_DISABLED: {
    next: 'terminal',
    message: (f) =>
      `JetStream does not answer at ${f.url}. Start the server with -js, or wait until its cluster has a leader.`,
  },
  STREAM_MISSING: {
    next: 'terminal',
    message: (f) => `The stream ${f.stream} does not exist. Run "wakebus setup" once.`,
  },
  STREAM_MISCONFIGURED: {
    next: 'terminal',
    message: (f) =>
      `The stream ${f.stream} has ${f.field} = ${f.actual}; Wakebus needs ${f.needed}. Mend it with "nats stream edit" ("wakebus setup --print" shows all that is wanted), or give this deployment another prefix.`,
  },
  NOT_DURABLE_ENOUGH: {
    next: 'terminal',
    message: (f) =>
      `Production mode needs ${f.what} ${f.needed}, and it is ${f.actual}. Mend the server's configuration, or leave production mode knowing that a power cut can lose acknowledged events.`,
  },
  NOT_CONNECTED: {
    next: 'retryable',
    message: (f) =>
      `No NATS server answers at ${f.servers}. Check the address, or start one: "wakebus dev" brings its own.`,
  },
  LEASE_LOST: {
    next: 'retryable',
    message: (f) =>
      `Placement node ${f.nodeId} could not renew its lease and has stopped its sessions. Others take them over; start it again.`,
  },
  POOL_CONFLICT: {
    next: 'terminal',
    message: (f) =>
      `Agent type "${f.agentType}" belongs to the pool "${f.other}" and cannot also run in "${f.pool}". Give both nodes the same pool.`,
  },
  OBJECTS_ELSEWHERE: {
    next: 'terminal',
    message: (f) =>
      `The chunks of this deployment are in another object store (${f.there}) than the one given here (${f.here}). Give that one: agents with large states would find nothing in this.`,
  },
  // Of history and kept snapshots, of the gateway, of channels, and of sources.
  ...historyErrors,
  ...gatewayErrors,
  ...channelErrors,
  ...sourceErrors,
  ...apartErrors,
};

/** A stable code: it is part of the interface and changes only with a major version. */
export type ErrorCode = keyof FactsByCode;

/** The facts that errors of a code carry. */
export type ErrorFacts<C extends ErrorCode> = FactsByCode[C];

/** All codes with what happens next, in the order of the table. */
export const errorCodes: ReadonlyArray<{ readonly code: ErrorCode; readonly next: ErrorClass }> = Object.entries(
  catalog,
).map(([code, { next }]) => ({ code: code as ErrorCode, next }));

/** An error that Wakebus stands behind: `code` is stable, `facts` are fields, the message says what to do. */
export class WakebusError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'WakebusError';
  readonly code: C;
  readonly next: ErrorClass;
  readonly facts: ErrorFacts<C>;

  constructor(code: C, facts: ErrorFacts<C>, options?: ErrorOptions) {
    const entry: ErrorSpec<FactsByCode[C]> = catalog[code];
    super(entry.message(facts), options);
    this.code = code;
    this.next = entry.next;
    this.facts = facts;
  }

  /** What goes into replies, dead letters and `--json`: no stack, no cause. */
  toJSON(): { code: C; next: ErrorClass; message: string; facts: ErrorFacts<C> } {
    return { code: this.code, next: this.next, message: this.message, facts: this.facts };
  }
}

/** What {@link WakebusError.toJSON} says. Makes no error: finding out its stack takes longer than all the rest of a refusal. */
export function errorJson<C extends ErrorCode>(code: C, facts: ErrorFacts<C>): ReturnType<WakebusError<C>['toJSON']> {
  const { next, message }: ErrorSpec<FactsByCode[C]> = catalog[code];
  return { code, next, message: message(facts), facts };
}

/** Whether something thrown is a {@link WakebusError}, of a given code if one is named. */
export function isWakebusError<C extends ErrorCode = ErrorCode>(thrown: unknown, code?: C): thrown is WakebusError<C> {
  return thrown instanceof WakebusError && (code === undefined || thrown.code === code);
}

/** Rebuilds an error from its JSON form, as replies carry it; an unknown code, or other facts (a newer peer's), stay readable. */
export function errorFromJson(json: {
  readonly code: string;
  readonly message: string;
  readonly facts?: unknown;
}): Error {
  try {
    if (Object.hasOwn(catalog, json.code))
      return new WakebusError(json.code as ErrorCode, json.facts as ErrorFacts<ErrorCode>);
  } catch {
    // Its facts are not what this version knows under the code.
  }
  return Object.assign(new Error(json.message), { code: json.code, facts: json.facts });
}
