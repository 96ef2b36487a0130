/** Reading what anybody may have written, or an operator by hand. */
import { decode } from '@wakebus/protocol';

/** What some bytes hold, if that is an object. */
export function readObject(bytes: Uint8Array): object | undefined {
  try {
    const value = decode(bytes);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
