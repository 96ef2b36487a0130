/** Asks a program in a process that may open no more files, and says what becomes of that. */
import { closeSync, openSync } from 'node:fs';
import { isWakebusError } from '@wakebus/protocol';
import { processRunner } from '../../src/mod.ts';

function openAll(): number[] {
  const files: number[] = [];
  try {
    for (;;) files.push(openSync('/dev/null', 'r'));
  } catch {
    return files; // That was the last one.
  }
}

const runner = processRunner({ command: [process.execPath] });
await runner.prepare();
const files = openAll();
const program = runner.start({ address: 'worker/ada', epoch: 1, state: null, cause: 'add', log: () => {} });
const outcome: unknown = await program
  .ask({ seq: 1, event: { type: 'add' }, attempt: 1 }, undefined)
  .catch((thrown: unknown) => thrown);
for (const file of files) closeSync(file);
await program.stop();
// The trial of a means that is not there keeps its process for some seconds more.
process.stdout.write(isWakebusError(outcome) ? outcome.code : String(outcome), () => process.exit());
