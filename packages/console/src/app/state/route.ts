/** Where the reader is: the part of the address behind `#`, so that the page itself is one file wherever it is mounted. */
import { type Signal, signal } from '@preact/signals';

export interface Route {
  /** Decoded parts of the path: `['agents', 'hello', 'ada']`. */
  readonly parts: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

export const route: Signal<Route> = signal(readRoute(location.hash));

addEventListener('hashchange', () => {
  route.value = readRoute(location.hash);
});

/** Reads an address; a part that cannot be decoded is taken as it is. */
function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?');
  const parts = path === '' ? [] : path.split('/').map(decoded);
  return { parts, query: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** An address to link to. What is `undefined` or empty in the query is left out. */
export function hrefOf(parts: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
  return `#/${parts.map(encodeURIComponent).join('/')}${search}`;
}

/** The page of an agent. */
export function agentHref(address: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const slash = address.indexOf('/');
  return hrefOf(['agents', address.slice(0, slash), address.slice(slash + 1)], query);
}

export function go(href: string): void {
  location.hash = href;
}

/** The same page with another query; the step is not kept among those that one goes back by. */
export function changeQuery(change: Readonly<Record<string, string | undefined>>): void {
  const { parts, query } = route.value;
  const href = hrefOf(parts, { ...query, ...change });
  history.replaceState(null, '', href);
  route.value = readRoute(href);
}
