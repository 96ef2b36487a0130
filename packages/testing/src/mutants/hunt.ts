/**
 * Hunts mutants: each in a process of its own, until a check sees it.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MOST_SEEDS, type Mutant } from './mutant.ts';

export interface Hunt {
  readonly mutant: Mutant;
  /** Seeds that it took; undefined when the mutant survived. */
  readonly seeds: number | undefined;
  /** The sentence that gave it away. */
  readonly seen: string | undefined;
  /** What is wrong with the hunt itself, if anything. */
  readonly problem: string | undefined;
}

/** What a mutant may take, in milliseconds: one that is not seen by then is a survivor. */
const LONGEST_HUNT_MS = 10 * 60 * 1000;

const main = fileURLToPath(new URL('hunt-main.ts', import.meta.url));

export async function hunt(mutant: Mutant, mostSeeds: number = MOST_SEEDS): Promise<Hunt> {
  const { output, errors } = await run([main, mutant.name, String(mostSeeds)]);
  const result = readResult(output);
  if (result === undefined) {
    const problem = errors.trim() === '' ? 'it took too long' : errors.trim();
    return { mutant, seeds: undefined, seen: undefined, problem };
  }
  const { seed: seeds, seen } = result;
  return { mutant, seeds, seen, problem: seeds === undefined ? 'it survived' : undefined };
}

/** Whether a run shows the same without the mutant: then the hunt has proven nothing. */
export async function showsWithout({ mutant, seeds }: Hunt): Promise<boolean> {
  const { output } = await run([main, mutant.name, '0', String(seeds)]);
  return readResult(output)?.seen !== undefined;
}

function readResult(output: string): { seed?: number; seen?: string } | undefined {
  try {
    return JSON.parse(output.trim().split('\n').at(-1) ?? '') as { seed?: number; seen?: string };
  } catch {
    return undefined;
  }
}

function run(args: readonly string[]): Promise<{ output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: LONGEST_HUNT_MS });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.on('error', reject);
    child.on('exit', () => resolve({ output, errors }));
  });
}
