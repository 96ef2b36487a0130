/** Programs in any language as agents. */
export { type ProcessAgentOptions, defineProcessAgent } from './define-process-agent.ts';
export type { HealthOptions, ProcessLimits, ProcessOptions } from './process-options.ts';
export { processRunner } from './process-runner.ts';
