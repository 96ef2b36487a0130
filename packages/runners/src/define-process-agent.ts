/** `defineProcessAgent`: an agent type whose behaviour is a program. */
import { type AgentDefinition, type AgentOptions, defineAgent, programMachine } from '@wakebus/core';
import type { ProcessOptions } from './process-options.ts';
import { processRunner } from './process-runner.ts';

/** Of the agent type what is not said by its program, and the program. */
export type ProcessAgentOptions = ProcessOptions &
  Omit<AgentOptions, 'machine' | 'isolation' | 'runner' | 'workspace' | 'migrate' | 'previous' | 'version'>;

/**
 * Defines an agent type whose behaviour is a program: each event is put to it, and what it answers is one commit.
 *
 * @throws {WakebusError} `INVALID_OPTION`, `INVALID_ADDRESS`, as `defineAgent`.
 */
export function defineProcessAgent(options: ProcessAgentOptions): AgentDefinition {
  const { command, cwd, env, network, writable, sandbox, limits, health, ...agent } = options;
  const given = { command, cwd, env, network, writable, sandbox, limits, health };
  const process = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return defineAgent({
    ...agent,
    machine: programMachine(),
    runner: processRunner(process as unknown as ProcessOptions),
  });
}
