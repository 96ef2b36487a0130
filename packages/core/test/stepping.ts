import { agentKey } from '@wakebus/protocol';
import { type AnyStateMachine, createMachine } from 'xstate';
import {
  type AgentSnapshot,
  type AnyAgentDefinition,
  type Output,
  applyEvent,
  defineAgent,
  initialStep,
} from '../src/mod.ts';
import { frozen } from './frozen.ts';

export const key = agentKey('order', '17');

/** A definition of any machine, whatever input its types ask for. */
export function agentOf(machine: AnyStateMachine): AnyAgentDefinition {
  return defineAgent({ type: 'order', machine });
}

/** A newborn's state, in which nothing can be changed unseen. */
export function born(agent: AnyAgentDefinition): AgentSnapshot {
  const { snapshot } = initialStep(agent, key);
  frozen(snapshot.context);
  return snapshot;
}

/** An agent with one state, in which GO does what is given. */
export function doing(actions: unknown, context: object = { n: 1 }): AnyAgentDefinition {
  return agentOf(
    createMachine({ context, initial: 'a', states: { a: { on: { GO: { actions: actions as never } } } } }),
  );
}

/** What an event makes {@link doing} put out. */
export function outputsOf(actions: unknown, event: { type: string } = { type: 'GO' }): readonly Output[] {
  const agent = doing(actions);
  return applyEvent(agent, born(agent), event).outputs;
}
