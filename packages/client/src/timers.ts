/** What agents have pending, and an operator's hand on it. */
import { type Address, type TimerEntry, parseAddress } from '@wakebus/protocol';
import type { ClientContext } from './client-context.ts';
import { type ControlOptions, controlAgent } from './control.ts';
import { inspectAgent } from './inspect.ts';
import { listAgents } from './list.ts';

/** Whose timers to list. */
export interface TimersOf {
  /** One agent, as `<type>/<id>`. @default all */
  readonly agent?: string;
  /** Agents of this type. @default all */
  readonly type?: string;
}

/** A pending delayed event or schedule. The ID of a child actor's is `<actor>/<its own>`. */
export interface AgentTimer extends TimerEntry {
  readonly agent: Address;
}

/** Agents read at once. */
const PAGE_SIZE = 1_000;

/** Made by a client. */
export class Timers {
  readonly #context: ClientContext;

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /**
   * Walks over all that is pending, without waking anyone.
   *
   * @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`; for one agent also `RECORD_DAMAGED`, `RECORD_NEWER`.
   */
  async *list({ agent, type }: TimersOf = {}): AsyncGenerator<AgentTimer> {
    const { ports } = this.#context;
    if (agent !== undefined) {
      const found = await inspectAgent(ports, parseAddress(agent));
      if (found !== undefined) yield* timersOf(found);
      return;
    }
    let cursor: string | undefined;
    do {
      const options = { pageSize: PAGE_SIZE, ...(type !== undefined && { type }) };
      const page = await listAgents(ports, { ...options, ...(cursor !== undefined && { cursor }) });
      for (const each of page.agents) yield* timersOf(each);
      ({ cursor } = page);
    } while (cursor !== undefined);
  }

  /**
   * Lets a timer come now, and the next occurrence of a schedule: it does not come again when it is due.
   *
   * @throws {WakebusError} `TIMER_NOT_FOUND`, `AGENT_NOT_FOUND`, `AGENT_COMPLETED`; `AGENT_REFUSED` while the agent
   * is suspended; `CALL_TIMEOUT`, `UNAVAILABLE`, `OUTCOME_UNKNOWN`.
   */
  async fire(agent: string, id: string, options: ControlOptions = {}): Promise<void> {
    await controlAgent(this.#context, parseAddress(agent), 'fire', options, { timer: { id } });
  }

  /** Takes a timer or a schedule back. @throws as {@link fire}. */
  async cancel(agent: string, id: string, options: ControlOptions = {}): Promise<void> {
    await controlAgent(this.#context, parseAddress(agent), 'unschedule', options, { timer: { id } });
  }
}

/** The timers of one agent, as an operator names them. */
export function timersOf({
  address,
  timers = [],
}: {
  readonly address: Address;
  readonly timers?: readonly TimerEntry[];
}): AgentTimer[] {
  // A child actor's timers go under its name, also where they are fired and cancelled.
  return timers.map(({ actor, ...timer }) => ({
    agent: address,
    ...timer,
    ...(actor !== undefined && { actor, id: `${actor}/${timer.id}` }),
  }));
}
