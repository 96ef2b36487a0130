/** `wakebus status`: one screen of what a deployment is doing. */
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';

export function addStatus(program: Command, io: CliIo): void {
  const command = program
    .command('status')
    .description('show agents by lifecycle, placement nodes, waiting messages and how full the inbox is')
    .option('--all', 'count every agent, not only the first 100,000')
    .action(async (flags: { readonly all?: boolean }, self: Command) => {
      const { COUNTED, showStatus } = await import('../status-screen.ts');
      const context = contextOf(self, io);
      await connected(context, (session) => showStatus(context, session, flags.all === true ? Infinity : COUNTED));
    });
  examples(command, ['wakebus status', 'wakebus status --json | jq .agents.asleep']);
}
