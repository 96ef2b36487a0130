/** `wakebus explain`: why an agent woke, and what followed, as a tree. From history; it wakes nobody. */
import type { Command } from 'commander';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';

export function addExplain(program: Command, io: CliIo): void {
  const command = program
    .command('explain <target>')
    .description(
      'show a chain of wakes as a tree: what caused it, where it ran, what it wrote, its effects, what it sent on. The target is an agent (its last wake), <agent>#<sequence>, a message ID, or a trace ID',
    )
    .option('--payloads', 'show what the events carried, as far as history keeps it')
    .action(async (target: string, flags: { readonly payloads?: boolean }, self: Command) => {
      const { chainText } = await import('../chain-text.ts');
      const context = contextOf(self, io);
      const chain = await connected(context, ({ client }) => client.explain(target));
      if (chain === undefined) throw new WakebusError('NOT_IN_HISTORY', { target });
      context.output.data('chain', chain, () =>
        chainText(chain, {
          payloads: flags.payloads === true,
          paint: (style, text) => context.output.paint(style, text),
        }),
      );
    });
  examples(command, [
    'wakebus explain order/17',
    'wakebus explain order/17#42',
    'wakebus explain 4bf92f3577b34da6a3ce929d0e0e4736',
  ]);
}
