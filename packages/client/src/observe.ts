/**
 * Live events: lifecycle changes and what machines emit, as they happen. Nothing keeps them; who does
 * not listen misses them.
 */
import {
  type Address,
  type AgentKey,
  type LiveEvent,
  WakebusError,
  addressOf,
  checkAgentType,
  decode,
  isCanonicalKey,
  parseAddress,
} from '@wakebus/protocol';
import type { ClientPorts } from './ports.ts';

/** A live event, with the agent that it is about. */
export type ObservedEvent = LiveEvent & { readonly address: Address; readonly key: AgentKey };

/** A running observation. */
export interface Observation extends Disposable {
  stop(): void;
}

/**
 * Listens.
 *
 * @param pattern - An address, `<type>/*` for all agents of a type, or `*` for all.
 * @throws {WakebusError} `INVALID_ADDRESS`.
 */
export function observeAgents(
  ports: ClientPorts,
  pattern: string,
  onEvent: (event: ObservedEvent) => void,
): Observation {
  const { layout, messenger } = ports;
  const subject = layout.liveSubject(filterOf(pattern));
  const rootLength = layout.liveSubject('>').length - 1;
  const subscription = messenger.subscribe(subject, (message) => {
    const key = message.subject.slice(rootLength);
    const event = readLive(message.data);
    if (event !== undefined && isCanonicalKey(key)) onEvent({ ...event, key, address: addressOf(key) });
  });
  return { stop: () => subscription.stop(), [Symbol.dispose]: () => subscription.stop() };
}

/** A pattern as the tail of a subject. @throws {WakebusError} `INVALID_ADDRESS`. */
export function filterOf(pattern: string): AgentKey | '>' {
  if (pattern === '*' || pattern === '>') return '>';
  if (!pattern.endsWith('/*')) return parseAddress(pattern);
  return `${checkAgentType(pattern.slice(0, -2))}.*` as AgentKey;
}

/** Anyone may publish a plain message: what cannot be read is not an event. */
function readLive(data: Uint8Array): LiveEvent | undefined {
  try {
    const value = decode(data) as LiveEvent | null;
    if (value?.kind === 'lifecycle' || value?.kind === 'emit') return value;
  } catch (error) {
    if (!(error instanceof WakebusError)) throw error;
  }
  return undefined;
}
