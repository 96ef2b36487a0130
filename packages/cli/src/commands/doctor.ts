/** `wakebus doctor`: silent when all is well; otherwise one line a problem, with its mend. */
import type { Command } from 'commander';
import { isWakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, contextOf, examples } from '../command-context.ts';
import type { Problem } from '../diagnosis.ts';
import { Exit, exitCode } from '../exit-codes.ts';

export function addDoctor(program: Command, io: CliIo): void {
  const command = program
    .command('doctor')
    .description('look for what needs mending. Silent and 0 when all is well; else one line a problem, and 1')
    .action(async (_flags: object, self: Command) => {
      const { findProblems } = await import('../diagnosis.ts');
      const context = contextOf(self, io);
      const problems = await findProblems(context).catch((thrown: unknown) => [asProblem(thrown)]);
      for (const problem of problems) report(context, problem);
      if (problems.length > 0) throw new Exit(exitCode.failed);
    });
  examples(command, ['wakebus doctor && echo all is well', 'wakebus doctor --json 2>&1 | jq -r .message']);
}

/** What keeps us from looking at all is the one problem to report. */
function asProblem(thrown: unknown): Problem {
  if (isWakebusError(thrown)) return { code: thrown.code, message: thrown.message };
  throw thrown;
}

function report({ output, io }: CommandContext, { code, message }: Problem): void {
  if (output.json) io.err(`${JSON.stringify({ v: 1, kind: 'problem', code, message })}\n`);
  else output.message(`${output.paint('yellow', '!')} ${message} ${output.paint('dim', `(${code})`)}`);
}
