/** What one run of a mutant shows: a workload of the simulator, or the start-up gate on a real server. */
import { type RunSettings, runSettings } from '../runs/run-settings.ts';
import { START_UP_GATE, checkStartUpGate } from './start-up-gate.ts';

export async function violationsOf(settings: RunSettings): Promise<readonly string[]> {
  if (settings.workload === START_UP_GATE) return checkStartUpGate();
  return (await runSettings(settings)).violations;
}
