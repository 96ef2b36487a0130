/**
 * Incidents: what an operator must hear of, because nothing goes on with it by itself. They stand in a stream of
 * their own; what is to be done about one is in the agent's record and among the dead letters.
 */
import { type Address, type AgentKey, splitKey } from './address.ts';
import { decode } from './codec.ts';
import { isWakebusError } from './errors.ts';

/** What can be told: an agent that was given up or stopped, a message that was given up, an effect of which nobody knows. */
export const incidentKinds = ['failed', 'quarantined', 'suspended', 'dead-lettered', 'maybe'] as const;

export type IncidentKind = (typeof incidentKinds)[number];

/** One incident, MessagePack. It may be told more than once, always under the same ID. */
export interface Incident {
  readonly v: 1;
  /** `<kind>/<type>/<id token>/<occurrence>`: parts of its subject, too. */
  readonly id: string;
  readonly kind: IncidentKind;
  readonly agent: Address;
  /** One of ERRORS.md. */
  readonly code: string;
  /** What the error says; it may quote what the agent was given. */
  readonly message: string;
  /** What else is to be known: which message, after how many attempts; which effect, and its key. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** The placement node that tells it. */
  readonly node: string;
  /** When it happened. */
  readonly atMs: number;
  readonly traceparent?: string;
}

/** @param occurrence - Tells it from others of its kind with the same agent: a token, made of what is stored. */
export function incidentId(kind: IncidentKind, key: AgentKey, occurrence: string): string {
  const { type, idToken } = splitKey(key);
  return [kind, type, idToken, occurrence].join('/');
}

/** An incident, or `undefined` when the bytes are none: they may come from a newer version, or from anybody who may write there. */
export function readIncident(data: Uint8Array): Incident | undefined {
  try {
    const value = decode(data) as Partial<Incident> | null;
    const isOne = value?.v === 1 && typeof value.id === 'string' && typeof value.kind === 'string';
    return isOne ? (value as Incident) : undefined;
  } catch (thrown) {
    if (isWakebusError(thrown)) return undefined;
    throw thrown;
  }
}
