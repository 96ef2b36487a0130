/** Which events may come from outside. */
import { WakebusError } from '@wakebus/protocol';

/** Prefixes of event types that only the machine and the runtime raise. */
const RESERVED_PREFIXES: readonly string[] = ['xstate.', 'wakebus.'];

/** Whether only the runtime may send events of this type. */
export function isReserved(eventType: string): boolean {
  return RESERVED_PREFIXES.some((prefix) => eventType.startsWith(prefix));
}

/**
 * Checks an event that does not come from the runtime itself.
 *
 * @throws {WakebusError} `RESERVED_EVENT`, or `INVALID_EVENT` for `*`, which XState takes for a wildcard.
 */
export function checkEvent(event: { readonly type: string }): void {
  if (isReserved(event.type)) throw new WakebusError('RESERVED_EVENT', { event: event.type });
  if (event.type === '*' || event.type === '')
    throw new WakebusError('INVALID_EVENT', { event: event.type, why: 'its type must be a name' });
}
