/**
 * Questions of a gate: rules that must ask somebody are asked before the turn, all messages at once, and their
 * answers go into it. The turn itself stays pure. After a crash the same question may be put again.
 */
import {
  type AgentMemory,
  type Inbound,
  type Question,
  type TurnEnvironment,
  type Verdict,
  questionAbout,
} from '@wakebus/core';
import type { NodeContext } from '../node-context.ts';
import { within } from '../ports/clock.ts';

type Answers = NonNullable<TurnEnvironment['answers']>;

/** Messages asked about at once: more would wait for the same model in any case. */
const AT_ONCE = 16;

/** Answers to all questions that the gate has about some messages, or nothing where it has none. */
export async function askGate(
  context: NodeContext,
  memory: AgentMemory,
  inbounds: readonly Inbound[],
  env: TurnEnvironment,
): Promise<Answers | undefined> {
  if (!memory.definition.gate.some((rule) => 'ask' in rule)) return undefined;
  const answers = new Map<number, Map<string, Verdict>>();
  const asked = inbounds.slice(0, AT_ONCE);
  const askAll = async (inbound: Inbound): Promise<void> => {
    for (;;) {
      const question = questionAbout(memory, inbound, { ...env, answers });
      if (question === undefined) return;
      const answer = await answerTo(context, question);
      answers.set(inbound.seq, new Map(answers.get(inbound.seq)).set(question.rule, answer));
    }
  };
  await Promise.all(asked.map(askAll));
  return answers;
}

async function answerTo(context: NodeContext, question: Question): Promise<Verdict> {
  const abort = new AbortController();
  let answer: Verdict | undefined;
  const asking = (async (): Promise<void> => {
    answer = (await question.ask(abort.signal)) ?? { kind: 'pass' };
  })();
  asking.catch(() => {}); // Heard below, unless it comes too late.
  try {
    await within(context.ports.clock, asking, question.timeoutMs);
  } catch (thrown) {
    context.log.warn(`the gate's rule ${question.rule} could not be asked`, { error: String(thrown) });
  }
  if (answer === undefined) abort.abort();
  return answer ?? question.onFailure;
}
