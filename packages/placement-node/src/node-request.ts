/** What placement nodes ask of each other, as it comes. */
import { decode } from '@wakebus/protocol';

/** What another node asks for, if it can be read: whoever may publish here may publish nonsense. */
export function readRequest(data: Uint8Array): object {
  try {
    return (decode(data) as object | null) ?? {};
  } catch {
    return {};
  }
}
