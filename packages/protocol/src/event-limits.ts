/**
 * What an outsider may put into an inbox: names, sizes, and how full it may be.
 */

/** Largest payload of an event, in bytes. More belongs into an object whose name is sent. */
export const EVENT_LIMIT_BYTES: number = 256 * 1024;

/**
 * Outsiders are refused from this share of an inbox's limits on. The rest is the runtime's, so that
 * messages between agents, and with them the bus, can drain.
 */
export const OUTSIDE_FILL_LIMIT = 0.8;

/** How long a call waits for its answer unless it says otherwise, in milliseconds: a takeover and one retry fit in. */
export const DEFAULT_DEADLINE_MS = 30_000;

/** Whether only the machine and the runtime may raise events of this name. */
export function isReservedEvent(name: string): boolean {
  return name.startsWith('xstate.') || name.startsWith('wakebus.');
}
