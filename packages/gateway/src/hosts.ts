/**
 * Host names that stand for a part of a path: `{id}.order.example.com` for one agent, `{tenant}.example.com` for a
 * tenant, whose name then begins every ID.
 */
import { WakebusError } from '@wakebus/protocol';

/** What a host stands for, by pattern; a `{place}` is one label of the name. */
export type Hosts = Readonly<Record<string, string>>;

type Rule = { readonly pattern: RegExp; readonly places: readonly string[]; readonly prefix: string };

/** Paths by hosts. The first pattern that fits decides; a host that fits none stands for nothing. */
export class HostPaths {
  readonly #rules: readonly Rule[];

  /** @param hosts - `{ '{id}.order.example.com': '/agents/order/{id}' }`. @throws {WakebusError} `INVALID_OPTION`. */
  constructor(hosts: Hosts) {
    this.#rules = Object.entries(hosts).map(([host, prefix]) => ruleOf(host, prefix));
  }

  /** The path of a request with what its host stands for in front. */
  pathOf(hostname: string, path: string): string {
    if (this.#rules.length === 0 || path === '/health' || path === '/ready') return path;
    for (const { pattern, places, prefix } of this.#rules) {
      const match = pattern.exec(hostname);
      if (match === null) continue;
      const filled = places.reduce((text, place, at) => text.replaceAll(`{${place}}`, match[at + 1] ?? ''), prefix);
      return joined(filled, path);
    }
    return path;
  }
}

/** A prefix that ends in `%2F` begins the ID; any other is whole segments. */
function joined(prefix: string, path: string): string {
  if (prefix.endsWith('%2F')) return prefix + path.slice(1);
  return path === '/' ? prefix : prefix + path;
}

function ruleOf(host: string, prefix: string): Rule {
  const places = [...host.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  if (!/^(?:\{\w+\}|[a-z0-9-]+)(?:\.(?:\{\w+\}|[a-z0-9-]+))*$/.test(host) || !prefix.startsWith('/'))
    throw new WakebusError('INVALID_OPTION', {
      option: `hosts.${host.slice(0, 80)}`,
      why: 'write a name in lower case with {places}, and a path',
    });
  const pattern = host.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '([a-z0-9-]+)');
  return { pattern: new RegExp(`^${pattern}$`), places, prefix };
}
