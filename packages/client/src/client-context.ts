/** What all parts of one client share, and the two ways of getting a message into an inbox. */
import { type AgentKey, DEFAULT_DEADLINE_MS, type Headers, WakebusError, header } from '@wakebus/protocol';
import { type CallFacts, Calls } from './calls.ts';
import { InboxFill } from './inbox-fill.ts';
import { MessageIds } from './message-ids.ts';
import type { ClientPorts } from './ports.ts';
import { type InboxTarget, type Publication, type Stored, publishUntilStored } from './publish.ts';

/** Makes the publication for the headers that it must carry besides its own. */
export type Compose = (more: Headers) => Publication;

export class ClientContext {
  readonly ports: ClientPorts;
  readonly ids: MessageIds;
  readonly calls: Calls;
  /** Who acts, as the audit names them. */
  readonly operator: string;
  readonly #targets: readonly InboxTarget[];

  constructor(ports: ClientPorts, operator: string) {
    this.ports = ports;
    this.operator = operator;
    this.ids = new MessageIds(() => ports.random.id());
    this.calls = new Calls(ports);
    this.#targets = ports.inboxes.map((inbox, shard) => {
      return { inbox, fill: new InboxFill(inbox, ports.layout.inboxStream(shard), ports.clock) };
    });
  }

  /** The inbox shard of an agent. */
  targetOf(key: AgentKey): InboxTarget {
    const { layout } = this.ports;
    return this.#targets[layout.shardOf(layout.partitionOf(key))] as InboxTarget;
  }

  /** Publishes as an outsider: not into an inbox that is nearly full. */
  publish(target: InboxTarget, publication: Publication): Promise<Stored> {
    const waits = target.fill.admit();
    if (waits === undefined) return publishUntilStored(target, this.ports.clock, publication);
    return waits.then(() => publishUntilStored(target, this.ports.clock, publication));
  }

  /**
   * Publishes and waits for the answer that comes after the commit.
   *
   * @param publish - {@link publish}, or another way in.
   */
  exchange(
    facts: CallFacts,
    compose: Compose,
    publish: (publication: Publication) => Promise<Stored>,
  ): Promise<unknown> {
    const call = this.calls.open(facts);
    const deadline = String(Math.ceil(this.ports.clock.wallMs() + facts.deadlineMs));
    publish(compose({ [header.reply]: call.subject, [header.deadline]: deadline })).then(
      (stored) => call.stored(stored),
      (error: unknown) => call.fail(error),
    );
    return call.answered;
  }
}

/** Checks how long a caller wants to wait, in milliseconds. @throws {WakebusError} `INVALID_OPTION`. */
export function checkDeadline(deadlineMs: number = DEFAULT_DEADLINE_MS): number {
  if (Number.isFinite(deadlineMs) && deadlineMs > 0) return deadlineMs;
  throw new WakebusError('INVALID_OPTION', { option: 'deadlineMs', why: 'write milliseconds above 0' });
}
