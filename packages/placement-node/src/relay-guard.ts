/**
 * The way out of a full inbox. Its messages go when they are acknowledged; that waits for what they caused
 * to be handed over; and that waits for room in the inbox.
 *
 * So a schedule, whose stream is never full, takes over the duty: it wakes the agent, should whoever
 * relays its outbox be gone by then. While it stands, nothing need stay unacknowledged for the outbox's sake.
 */
import { type AgentKey, type TimerFire, encode } from '@wakebus/protocol';
import { FIRE_TTL_MS, type NodeContext, timersOf } from './node-context.ts';

/** The schedule fires so long after it was armed, in milliseconds: most full inboxes have room again by then. */
const FIRES_AFTER_MS = 60_000;
/** Trusted until so long before it fires, in milliseconds: the server's clock decides when that is, and may be ahead. */
const TRUSTED_BEFORE_MS = 30_000;
/** Armed anew so long before that, in milliseconds: a try to relay comes every 2 s. */
const REARMED_BEFORE_MS = 10_000;
/** Name of the schedule, and of its fire, which is no timer of the machine's. */
const NAME = 'relay';

export class RelayGuard {
  readonly #context: NodeContext;
  readonly #key: AgentKey;
  #dueMs = 0;
  #arming: Promise<boolean> | undefined;

  constructor(context: NodeContext, key: AgentKey) {
    this.#context = context;
    this.#key = key;
  }

  /** Whether the schedule surely stands. */
  get stands(): boolean {
    return this.#leftMs > 0;
  }

  /** Arms the schedule, or moves it on. @returns whether it has come to stand by this. */
  async arm(): Promise<boolean> {
    if (this.#leftMs > REARMED_BEFORE_MS) return false;
    const stood = this.stands;
    this.#arming ??= this.#schedule();
    const isArmed = await this.#arming;
    this.#arming = undefined;
    return isArmed && !stood;
  }

  /** Takes the schedule back: there is nothing left to relay. Best effort, since its fire only wakes. */
  release(): void {
    if (this.#dueMs === 0) return;
    this.#dueMs = 0;
    void timersOf(this.#context, this.#key).purge(this.#context.layout.timerSubject(this.#key, NAME));
  }

  get #leftMs(): number {
    return this.#dueMs - TRUSTED_BEFORE_MS - this.#context.ports.clock.wallMs();
  }

  async #schedule(): Promise<boolean> {
    const { layout, membership, ports } = this.#context;
    if (!membership.mayAct()) return false;
    const dueMs = ports.clock.wallMs() + FIRES_AFTER_MS;
    const fire: TimerFire = { v: 1, id: NAME, generation: 0, dueMs };
    const outcome = await timersOf(this.#context, this.#key).append(
      layout.timerSubject(this.#key, NAME),
      encode(fire),
      {
        schedule: { atMs: dueMs, target: layout.fireSubject(this.#key), ttlMs: FIRE_TTL_MS },
      },
    );
    if (outcome.kind === 'stored') this.#dueMs = dueMs;
    return outcome.kind === 'stored';
  }
}
