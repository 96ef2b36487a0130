/**
 * Routes of an agent type's own: `POST /<type>/<path>`, as its definition names them. `:id` in the path is the agent,
 * other places become fields of the event.
 */
import type { RegisteredType } from '@wakebus/protocol';

/** Where a request to a route of a type's own leads. */
export interface OwnDestination {
  readonly id: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Finds the route that a path takes. @param path - As it was sent, behind `/<type>/`. */
export function findOwnRoute({ routes = {} }: RegisteredType, path: string): OwnDestination | undefined {
  const given = path.split('/');
  for (const [pattern, event] of Object.entries(routes)) {
    const places = placesOf(pattern.split('/'), given);
    if (places === undefined || places['id'] === undefined) continue;
    const { id, ...fields } = places;
    return { id, event, fields };
  }
  return undefined;
}

function placesOf(pattern: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== given.length) return undefined;
  const places: Record<string, string> = {};
  for (const [at, part] of pattern.entries()) {
    const value = decoded(given[at] ?? '');
    if (value === undefined) return undefined;
    if (part.startsWith(':')) places[part.slice(1)] = value;
    else if (part !== value) return undefined;
  }
  return places;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
