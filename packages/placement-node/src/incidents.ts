/**
 * Telling operators: what nobody goes on with by itself is appended to the incidents, once, and passed to whoever
 * listens in this process.
 *
 * It is told after the commit that shows it, and again by whoever wakes the agent next, since the node may have
 * died in between. Each incident has a subject of its own, made of what is stored: the second telling finds the
 * first, however late it comes.
 */
import { ownName } from '@wakebus/core';
import {
  type AgentKey,
  type AgentRecord,
  type Incident,
  type IncidentKind,
  type JournalEntry,
  type Layout,
  WakebusError,
  addressOf,
  encodeToSend,
  incidentId,
} from '@wakebus/protocol';
import type { NodeLog } from './node-context.ts';
import { type Clock, delay } from './ports/clock.ts';
import type { EventLog } from './ports/event-log.ts';

/** Between two tries, in milliseconds. */
const RETRY_MS = 500;
/** Incidents remembered as told: an agent that stands still is woken every few seconds while messages wait for it. */
const MOST_REMEMBERED = 10_000;
/** Errors may quote anything, of any length. */
const LONGEST_MESSAGE = 1_000;

/** What is told, before it is known who tells it. */
export type PendingIncident = Omit<Incident, 'v' | 'node'>;

/** What operators must hear of, as a placement node calls it; what it throws changes nothing. */
export type IncidentListener = (incident: Incident) => void | Promise<void>;

export interface IncidentPorts {
  readonly incidents: EventLog;
  readonly clock: Clock;
  readonly layout: Layout;
  readonly nodeId: string;
  readonly log: NodeLog;
  /** Whether this node may still act. */
  readonly mayAct: () => boolean;
  readonly onIncident: IncidentListener | undefined;
}

export class IncidentWriter {
  readonly #ports: IncidentPorts;
  /** Until it is stored; then nothing is left to wait for. */
  readonly #told = new Map<string, Promise<void> | undefined>();

  constructor(ports: IncidentPorts) {
    this.#ports = ports;
  }

  /**
   * Tells an incident.
   *
   * @returns when it is stored; nothing where this node has told it before.
   * @throws {WakebusError} `UNAVAILABLE` when this node may no longer act.
   */
  tell(pending: PendingIncident): Promise<void> | undefined {
    const { id } = pending;
    if (this.#told.has(id)) return this.#told.get(id);
    const stored = this.#store({ v: 1, ...pending, node: this.#ports.nodeId });
    this.#told.set(id, stored);
    const [oldest = id] = this.#told.keys();
    if (this.#told.size > MOST_REMEMBERED) this.#told.delete(oldest);
    stored.then(
      () => void this.#told.set(id, undefined),
      () => void this.#told.delete(id),
    );
    return stored;
  }

  async #store(incident: Incident): Promise<void> {
    const { incidents, clock, layout, mayAct } = this.#ports;
    const data = encodeToSend(incident);
    for (let isMine = false; mayAct(); await delay(clock, RETRY_MS)) {
      const outcome = await incidents.append(layout.incidentSubject(incident.id), data, { expectedSubjectSeq: 0 });
      if (outcome.kind === 'stored' || (outcome.kind === 'conflict' && isMine)) return this.#callListener(incident);
      if (outcome.kind === 'conflict') return;
      // What stands there by the next try may be this one.
      isMine ||= outcome.kind === 'unknown';
    }
    throw new WakebusError('UNAVAILABLE', { what: 'The lease of this placement node' });
  }

  /** Not waited for: nothing that runs depends on who listens. */
  #callListener(incident: Incident): void {
    const { log, onIncident } = this.#ports;
    const call = async (): Promise<void> => onIncident?.(incident);
    call().catch((thrown: unknown) =>
      log.warn('the listener to incidents threw', { incident: incident.id, error: String(thrown) }),
    );
  }
}

/** What of a record is an incident: that it stands still without an operator's word, and effects of which nobody knows. */
export function incidentsOf(key: AgentKey, record: AgentRecord): PendingIncident[] {
  const { journal, lifecycle } = record;
  const unsure = journal.filter(({ state }) => state === 'maybe').map((entry) => maybe(key, record, entry));
  const { name, code } = lifecycle;
  const isStopped = name === 'failed' || name === 'quarantined' || (name === 'suspended' && code !== 'SUSPENDED');
  return isStopped ? [stopped(key, record, name), ...unsure] : unsure;
}

/** A message that was given up, as it stands among the dead letters. */
export function deadLettered(
  key: AgentKey,
  letter: {
    readonly seq: number;
    readonly storedMs: number;
    readonly code: string;
    readonly message: string;
    readonly attempts: number;
    readonly letter: number;
    readonly atMs: number;
    readonly traceparent: string | undefined;
  },
): PendingIncident {
  const { seq, storedMs, code, message, attempts, letter: place, atMs, traceparent } = letter;
  // A recreated inbox counts from 1 again.
  const occurrence = `${seq}-${storedMs}`;
  const facts = { seq, attempts, letter: place };
  return made('dead-lettered', key, occurrence, { code, message, facts, atMs, traceparent });
}

function stopped(
  key: AgentKey,
  { attempt, lifecycle, trace }: AgentRecord,
  kind: 'failed' | 'quarantined' | 'suspended',
): PendingIncident {
  const { code = kind, message = '', sinceMs: atMs } = lifecycle;
  const facts = attempt === undefined ? {} : { seq: attempt.seq, attempts: attempt.count };
  return made(kind, key, String(atMs), { code, message, facts, atMs, traceparent: trace?.['traceparent'] });
}

function maybe(key: AgentKey, { updatedMs }: AgentRecord, entry: JournalEntry): PendingIncident {
  const { attempt, error, generation, key: idempotencyKey, plannedMs, target, trace } = entry;
  const { code = 'EFFECT_MAYBE', message = '' } = error ?? {};
  const facts = { effect: ownName(entry), key: idempotencyKey, target, attempt };
  const traceparent = trace?.['traceparent'];
  const occurrence = `${plannedMs}-${generation}-${attempt}`;
  return made('maybe', key, occurrence, { code, message, facts, atMs: updatedMs, traceparent });
}

function made(
  kind: IncidentKind,
  key: AgentKey,
  occurrence: string,
  what: Pick<Incident, 'code' | 'message' | 'facts' | 'atMs'> & { readonly traceparent: string | undefined },
): PendingIncident {
  const { traceparent, message, ...rest } = what;
  return {
    id: incidentId(kind, key, occurrence),
    kind,
    agent: addressOf(key),
    ...rest,
    message: message.slice(0, LONGEST_MESSAGE),
    ...(traceparent !== undefined && { traceparent }),
  };
}
