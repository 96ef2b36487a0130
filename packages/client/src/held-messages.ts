/**
 * Held messages: what stands aside for an agent that is suspended, has failed or is quarantined. They are
 * processed, in their order, once it runs again; cleared, they are gone.
 */
import { type AgentKey, parseAddress } from '@wakebus/protocol';
import type { ClientContext } from './client-context.ts';
import { type ControlOptions, controlAgent } from './control.ts';
import {
  type ParkedDetail,
  type ParkedOptions,
  type ParkedPage,
  type ParkedPlace,
  detail,
  listParked,
  readParked,
} from './parked.ts';

/** What {@link Client.held} offers. */
export class HeldMessages {
  readonly #context: ClientContext;
  readonly #place: ParkedPlace;

  constructor(context: ClientContext) {
    this.#context = context;
    const { held: log, layout } = context.ports;
    this.#place = { log, layout, subjectOf: (key: AgentKey | '>') => layout.heldSubject(key), name: 'held messages' };
  }

  /**
   * Lists messages that stand aside, oldest first, page by page. What came in the last minute may still stand
   * in the mailbox.
   *
   * @throws {WakebusError} `INVALID_OPTION`, `INVALID_ADDRESS`, `UNAVAILABLE`.
   */
  list(options: ParkedOptions = {}): Promise<ParkedPage> {
    return listParked(this.#place, options);
  }

  /** One message with its payload and headers. @throws {WakebusError} `PARKED_NOT_FOUND`, `INVALID_OPTION`, `UNAVAILABLE`. */
  async get(id: number): Promise<ParkedDetail> {
    return detail(this.#place, id, await readParked(this.#place, id));
  }

  /**
   * Throws away all that waits for an agent which takes no events, up to this request: what stands aside, and
   * what is in its mailbox. Resolves when that is committed.
   *
   * @throws {WakebusError} `AGENT_REFUSED` for an agent that takes events; and as {@link Client.remove}.
   */
  async clear(address: string, options: ControlOptions = {}): Promise<void> {
    await controlAgent(this.#context, parseAddress(address), 'clear', options);
  }
}
