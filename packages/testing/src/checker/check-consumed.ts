/**
 * What the commits say that they consumed: each acknowledged event once, whatever the machine made of it.
 */
import { type Headers, header } from '@wakebus/protocol';
import { type ListExpectation, checkList } from './check-lists.ts';
import type { AgentHistory, ClientOperation, Violation } from './run-history.ts';

/** Each event that a client had acknowledged is in one commit of its agent, or in its dead letters. */
export function checkConsumed(agent: AgentHistory, operations: readonly ClientOperation[]): Violation[] {
  return checkList(agent.key, consumedBy(agent), expectationOf(agent, operations));
}

function expectationOf({ key, deadLetters }: AgentHistory, operations: readonly ClientOperation[]): ListExpectation {
  const refused = new Set(deadLetters.map(({ headers }) => sentId(headers)));
  const mine = operations.filter(({ agent }) => agent === key);
  return {
    required: new Set(mine.filter(({ id, outcome }) => outcome === 'ok' && !refused.has(id)).map(({ id }) => id)),
    allowed: new Set(mine.filter(({ outcome }) => outcome === 'info').map(({ id }) => id)),
  };
}

/** The clients' events that an agent's commits name, in order. */
export function consumedBy({ writes }: AgentHistory): string[] {
  return writes.flatMap(({ record }) =>
    record?.last === undefined || record.last.commit !== record.commit
      ? []
      : record.last.events.flatMap(({ id, from }) => (id === undefined || from !== undefined ? [] : [id])),
  );
}

/** The ID that the client gave to a message. */
export function sentId(headers: Headers): string {
  const wireId = headers[header.messageId] ?? '';
  return wireId.slice(wireId.indexOf(':') + 1);
}
