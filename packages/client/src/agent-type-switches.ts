/**
 * Agent types as a whole: disabled, no agent of a type is woken anywhere, and what is awake sleeps after its turn.
 * Nothing is lost: what comes waits in the inbox, and counts towards its limits.
 *
 * A mark in the registry says so; every placement node watches it. Of two operators at once the last one wins.
 */
import { type DisabledType, WakebusError, checkAgentType, encode, readDisabledType } from '@wakebus/protocol';
import { audited } from './audit.ts';
import type { ClientContext } from './client-context.ts';
import type { OperatorOptions } from './control.ts';

/** Tries of one write. An election takes longer than a few: then whoever asked must ask again. */
const TRIES = 5;
/** In the audit: not the effects of the type. */
const facts = { of: 'agents' } as const;

/** What may be said with a switch. */
export type SwitchOptions = Pick<OperatorOptions, 'by' | 'reason'>;

/** What {@link Client.types} offers. */
export class AgentTypeSwitches {
  readonly #context: ClientContext;

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /**
   * Keeps all agents of a type from running, on every placement node, until they are enabled. Effects that run
   * already go on.
   *
   * @throws {WakebusError} `INVALID_ADDRESS`; `UNAVAILABLE`: it may have been done, and may be asked for again.
   */
  async disable(type: string, options: SwitchOptions = {}): Promise<void> {
    const { clock } = this.#context.ports;
    const { reason = 'by an operator' } = options;
    const mark: DisabledType = { v: 1, type: checkAgentType(type), reason, atMs: clock.wallMs() };
    await this.#switch('disable', type, options, () => this.#set(type, encode(mark)));
  }

  /** Lets the agents of a type run again; what has waited is taken at once. @returns whether it was disabled. @throws as {@link disable}. */
  async enable(type: string, options: SwitchOptions = {}): Promise<boolean> {
    const was = await this.disabled(type);
    // Also where nothing is seen of a mark: a replica may not have heard of it yet.
    await this.#switch('enable', type, options, () => this.#set(type, undefined));
    return was !== undefined;
  }

  /** Whether a type is disabled, since when, and why. @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`. */
  async disabled(type: string): Promise<DisabledType | undefined> {
    const { layout, registry } = this.#context.ports;
    const { bytes } = await registry.get(layout.disabledTypeKey(checkAgentType(type)));
    return bytes && readDisabledType(bytes);
  }

  #switch(
    action: 'disable' | 'enable',
    type: string,
    { by = this.#context.operator, reason }: SwitchOptions,
    work: () => Promise<void>,
  ): Promise<void> {
    return audited(this.#context.ports, { action, target: { type }, by, reason, facts }, work);
  }

  async #set(type: string, bytes: Uint8Array | undefined): Promise<void> {
    const { layout, random, registry } = this.#context.ports;
    const id = random.id();
    let cause: unknown;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const outcome = await registry.set?.(layout.disabledTypeKey(type), bytes, id);
      if (outcome?.kind === 'stored') return;
      cause = outcome?.kind === 'unknown' ? outcome.cause : outcome?.kind;
    }
    throw new WakebusError('UNAVAILABLE', { what: 'The registry' }, { cause });
  }
}
