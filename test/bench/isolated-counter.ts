/** The counter of the hot path, isolated. Threads import this module. */
import { type AnyAgentDefinition, defineAgent } from '@wakebus/core';
import { counterAgent } from './world.ts';

const { machine } = counterAgent('isolated', 700, 600_000);

export const isolatedCounter: AnyAgentDefinition = defineAgent({
  type: 'isolated',
  machine,
  sleep: { afterMs: 600_000 },
  isolation: { module: import.meta.url, export: 'isolatedCounter', threads: 1 },
} as never);
