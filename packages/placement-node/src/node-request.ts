/** What placement nodes ask of each other, as it comes. */
import { readObject } from './read-object.ts';

/** What another node asks for, if it can be read: whoever may publish here may publish nonsense. */
export function readRequest(data: Uint8Array): object {
  return readObject(data) ?? {};
}
