/**
 * Incidents: what operators must hear of, as placement nodes have told it. Looking changes nothing; what is to be
 * done about an agent is done to the agent.
 */
import { type Incident, type IncidentKind, readIncident } from '@wakebus/protocol';
import { type FollowOptions, type Followed, type FollowedPage, type FollowedPart, follow } from './follow.ts';
import { filterOf } from './observe.ts';
import { readNewest } from './newest.ts';
import { readLimit, readStart } from './page-options.ts';
import type { ClientPorts, LogMessage } from './ports.ts';

/** One incident, with its place in the stream. */
export type PastIncident = Incident & { readonly seq: number };

/** Which incidents are meant. */
interface IncidentChoice {
  /** An address, `<type>/*`, or `*`. @default all */
  readonly agents?: string;
  /** @default all */
  readonly kind?: IncidentKind;
}

/** Which incidents to list. */
export interface IncidentListOptions extends IncidentChoice {
  /** Incidents a page, 1 to 1,000. @default 100 */
  readonly pageSize?: number;
  /** From the page before. @default the beginning */
  readonly cursor?: string;
  /** In place of both: the newest so many, 1 to 1,000. */
  readonly last?: number;
}

/** Which incidents to follow. */
export interface IncidentFollowOptions extends IncidentChoice, FollowOptions {}

/** One page, oldest first; without a cursor there are no more. */
export interface IncidentPage {
  readonly incidents: readonly PastIncident[];
  readonly cursor?: string;
}

export class Incidents {
  readonly #ports: ClientPorts;

  constructor(ports: ClientPorts) {
    this.#ports = ports;
  }

  /** Lists incidents, oldest first, page by page. @throws {WakebusError} `INVALID_ADDRESS`, `INVALID_OPTION`, `UNAVAILABLE`. */
  async list({ pageSize, cursor, last, ...choice }: IncidentListOptions = {}): Promise<IncidentPage> {
    if (last !== undefined) {
      const newest = await readNewest(this.#ports.incidents, this.#filter(choice), readLimit(last, 'last'));
      return { incidents: newest.flatMap(incidentOf) };
    }
    const from = { after: readStart(cursor), limit: readLimit(pageSize) };
    const { entries, next } = await this.#read(this.#filter(choice), from);
    return { incidents: entries, ...(entries.length > 0 && { cursor: String(next) }) };
  }

  /** Follows incidents, from now on or from a `seq` on, without a gap. Ends when the signal does. @throws as {@link Incidents.list}. */
  follow({ agents, kind, ...options }: IncidentFollowOptions = {}): AsyncGenerator<PastIncident, void, void> {
    const subject = this.#filter({ ...(agents !== undefined && { agents }), ...(kind !== undefined && { kind }) });
    const followed: Followed<PastIncident> = {
      log: this.#ports.incidents,
      subject,
      read: (from) => this.#read(subject, from),
      nameOf: ({ id }) => id,
      nameIn: (data) => readIncident(data)?.id,
    };
    return follow(this.#ports, followed, options);
  }

  async #read(filter: string, { after, limit }: FollowedPart): Promise<FollowedPage<PastIncident>> {
    const messages = await this.#ports.incidents.read(filter, after + 1, limit);
    const next = messages.at(-1)?.seq ?? after;
    const entries = messages.flatMap(incidentOf);
    // A page of nothing but what cannot be read is not the end.
    return entries.length === 0 && messages.length > 0 ? this.#read(filter, { after: next, limit }) : { entries, next };
  }

  #filter({ agents = '*', kind }: IncidentChoice): string {
    const of = filterOf(agents);
    return this.#ports.layout.incidentsFilter(kind, of === '>' ? '*.*' : of);
  }
}

function incidentOf({ data, seq }: LogMessage): PastIncident[] {
  const incident = readIncident(data);
  return incident === undefined ? [] : [{ ...incident, seq }];
}
