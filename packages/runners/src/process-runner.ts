/** `processRunner`: programs as processes of the placement node's machine. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import type { AgentRunner } from '@wakebus/core';
import { WakebusError } from '@wakebus/protocol';
import { type Means, findMeans, missing } from './confinement.ts';
import { type ProcessOptions, readProcessOptions } from './process-options.ts';
import { ProcessProgram } from './process-program.ts';

/**
 * Runs each agent of a type as a process: `defineAgent({ type, machine: programMachine(), runner: processRunner({…}) })`,
 * which {@link defineProcessAgent} writes.
 *
 * @throws {WakebusError} `INVALID_OPTION`, naming the option.
 */
export function processRunner(options: ProcessOptions): AgentRunner {
  const spec = readProcessOptions(options);
  let means: Means | undefined;
  return {
    prepare: async () => {
      await findProgram(spec.command[0], spec.cwd);
      means = await findMeans();
      return missing(spec, means);
    },
    start: (start) => {
      if (means === undefined) throw new WakebusError('UNAVAILABLE', { what: 'A runner that has not been prepared' });
      return new ProcessProgram(spec, means, start);
    },
  };
}

/** A program that is not there would fail every event of every agent. */
async function findProgram(program: string, cwd = '.'): Promise<void> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = program.includes('/') ? [resolve(cwd, program)] : folders.map((folder) => join(folder, program));
  const found = await Promise.all(
    paths.map((path) =>
      access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (found.includes(true)) return;
  const why = `there is no program "${program}" that this process may run`;
  throw new WakebusError('INVALID_OPTION', { option: 'process: command', why });
}
