/** `wakebus debug`: what is wrong with one agent, looked at in the order in which it is usually found. */
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { Exit, exitCode } from '../exit-codes.ts';

export function addDebug(program: Command, io: CliIo): void {
  const command = program
    .command('debug <agent>')
    .description(
      'look for what is wrong with an agent: its checkpoint, its log, what should wake it, retries, releases. 1 when something is. Never wakes it',
    )
    .action(async (agent: string, _flags: object, self: Command) => {
      const { readEvidenceOf } = await import('../agent-evidence.ts');
      const { findingsOf } = await import('../agent-findings.ts');
      const context = contextOf(self, io);
      const findings = findingsOf(await connected(context, (session) => readEvidenceOf(session, agent)));
      for (const finding of findings) {
        const mark = finding.isWrong ? context.output.paint('red', '✗') : context.output.paint('green', '✓');
        context.output.data('finding', finding, () => `${mark} ${finding.part.padEnd(10)}  ${finding.text}`);
      }
      if (findings.some(({ isWrong }) => isWrong)) throw new Exit(exitCode.failed);
    });
  examples(command, ['wakebus debug order/17', "wakebus debug order/17 --json | jq 'select(.isWrong)'"]);
}
