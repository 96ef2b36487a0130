/** `wakebus agents disable` and `enable`: a whole agent type is kept from running, everywhere; its messages wait. */
import type { Command } from 'commander';
import { checkAgentType } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { reasonOf } from '../confirmation.ts';

interface SwitchFlags {
  readonly reason?: string;
}

export function addTypeSwitches(agents: Command, io: CliIo): void {
  const disable = agents
    .command('disable <type>')
    .description('let no agent of a type run anywhere; what is awake sleeps after its turn, what comes waits')
    .option('--reason <text>', 'why, for the audit and whoever looks later')
    .action(async (type: string, flags: SwitchFlags, self: Command) => {
      checkAgentType(type);
      const context = contextOf(self, io);
      await connected(context, ({ client }) => client.types.disable(type, reasonOf(flags)));
      context.output.message(`agents of type "${type}": disabled. Effects that run already go on`);
    });
  examples(disable, ['wakebus agents disable order --reason "double orders, INC-7"']);
  const enable = agents
    .command('enable <type>')
    .description('let the agents of a type run again; what has waited is taken at once')
    .option('--reason <text>', 'why, for the audit')
    .action(async (type: string, flags: SwitchFlags, self: Command) => {
      checkAgentType(type);
      const context = contextOf(self, io);
      const was = await connected(context, ({ client }) => client.types.enable(type, reasonOf(flags)));
      context.output.message(`agents of type "${type}": ${was ? 'enabled' : 'was not disabled'}`);
    });
  examples(enable, ['wakebus agents enable order --reason mended']);
}
