/** What of a definition a placement node may say, where the author of the agent has not. */
import { type AgentDefaults, agentNumbers } from '@wakebus/protocol';
import { checkDefaults } from './agent-options.ts';
import type { AnyAgentDefinition } from './define-agent.ts';

/** The options of a definition that have defaults from outside, filled in. */
export type Settled = Pick<AnyAgentDefinition, 'sleep' | 'retry'>;

/** What the author gave, then what the placement node gives, then what is usual. */
export function settled(given: AgentDefaults, defaults: AgentDefaults): Settled {
  const { sleep, retry } = defaults;
  return {
    sleep: Object.freeze({
      afterMs: given.sleep?.afterMs ?? sleep?.afterMs ?? agentNumbers['sleep.afterMs'].usual,
      mode: given.sleep?.mode ?? sleep?.mode ?? 'stop',
    }),
    retry: Object.freeze({
      attempts: given.retry?.attempts ?? retry?.attempts ?? agentNumbers['retry.attempts'].usual,
      backoffMs: given.retry?.backoffMs ?? retry?.backoffMs ?? agentNumbers['retry.backoffMs'].usual,
    }),
  };
}

/**
 * Definitions as a placement node with defaults of its own has them.
 *
 * @throws {WakebusError} `INVALID_OPTION`, naming the option.
 */
export function withDefaults(
  definitions: readonly AnyAgentDefinition[],
  defaults: AgentDefaults,
): readonly AnyAgentDefinition[] {
  checkDefaults(defaults);
  return definitions.map((definition) => Object.freeze({ ...definition, ...settled(definition.given, defaults) }));
}
