/**
 * Answers to calls: whoever was told that an event has been processed finds it where the answer says.
 *
 * An answer that leaves before its commit is a lie whenever that commit is lost.
 */
import type { ReadList } from './check-lists.ts';
import type { RunHistory, Violation } from './run-history.ts';

/** Each answer is the place, counted from 1, at which the operation stands in its agent's list. */
export function checkAnswers({ agents, operations }: RunHistory, readList: ReadList): Violation[] {
  return operations.flatMap(({ id, agent: key, answers = [] }) => {
    const agent = agents.get(key);
    if (agent === undefined) return [];
    const list = readList(agent);
    const wrong = answers.map(Number).find((place) => list[place - 1] !== id);
    return wrong === undefined
      ? []
      : [`${key}: ${id} was answered with place ${wrong}, where ${list[wrong - 1] ?? 'nothing'} stands`];
  });
}
