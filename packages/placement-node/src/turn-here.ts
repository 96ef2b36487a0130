/** A turn on the thread that everything else of this node runs on: nothing can stop it, and nothing is copied. */
import { type Inbound, type MailboxMessage, type Turn, type TurnJob, takeTurn } from '@wakebus/core';
import { header } from '@wakebus/protocol';
import type { Clock } from './ports/clock.ts';

/** @param inbounds - The job's messages, as they are read already. */
export function takeTurnHere(clock: Clock, job: TurnJob, inbounds: readonly Inbound[]): Turn {
  const { memory, env, maxEvents, turnMs, jitter, poison, cleared } = job;
  const startedMs = clock.monotonicMs();
  const isOver = (): boolean => clock.monotonicMs() - startedMs > turnMs;
  return takeTurn(
    memory,
    inbounds,
    env,
    { maxEvents, isOver, poison, ...(cleared !== undefined && { cleared }) },
    jitter,
  );
}

/** A message that nobody can know again: only to show what happens then. */
export function withoutId(message: MailboxMessage): MailboxMessage {
  const { [header.messageId]: _forgotten, ...headers } = message.headers;
  return { ...message, headers };
}
