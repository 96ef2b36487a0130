/** `wakebus agents restore` and `fork`: back to a snapshot, or another agent begun from one. */
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { type ActionFlags, actionFlags, confirm, reasonOf } from '../confirmation.ts';
import { oneLine } from '../human.ts';

interface RestoreFlags extends ActionFlags {
  readonly abortEffects?: boolean;
  readonly dropTimers?: boolean;
}

interface ForkFlags extends ActionFlags {
  readonly snapshot?: string;
  readonly dropTimers?: boolean;
}

/** `wakebus agents restore`. */
export function addRestore(agents: Command, io: CliIo): void {
  const command = actionFlags(agents.command('restore <agent> <snapshot>'), true)
    .description('take an agent back to a snapshot: its state, files and delayed events; its inbox goes on where it is')
    .option('--abort-effects', 'abort what it is doing now; without this it must be over')
    .option('--drop-timers', 'without the delayed events of then')
    .action(async (agent: string, snapshot: string, flags: RestoreFlags, self: Command) => {
      const context = contextOf(self, io);
      const { output } = context;
      if (flags.dryRun === true) {
        const changes = await connected(context, ({ client }) => client.snapshots.diff(agent, 'now', snapshot));
        return output.message(`${oneLine(agent)} would be taken back: ${changes.map(({ at }) => at).join(', ')}`);
      }
      await confirm(context, flags, `Taking ${oneLine(agent)} back to ${oneLine(snapshot)}`, agent);
      await connected(context, ({ client }) =>
        client.restore(agent, snapshot, {
          ...reasonOf(flags),
          ...(flags.abortEffects === true && { effects: 'abort' }),
          ...(flags.dropTimers === true && { timers: 'drop' }),
        }),
      );
      if (output.json) output.data('action', { agent, snapshot, done: 'restored' }, () => '');
      else output.message(`${oneLine(agent)} is as it was at ${oneLine(snapshot)}`);
    });
  examples(command, ['wakebus agents restore order/42 1-17 --reason "the import went wrong"']);
}

/** `wakebus agents fork`. */
export function addFork(agents: Command, io: CliIo): void {
  const command = actionFlags(agents.command('fork <agent> <new>'), false)
    .description('begin an agent from another one of its type; nothing that the other has yet to send or do is done')
    .option('--snapshot <id>', 'from this one (default: the agent as it is, which is kept)')
    .option('--drop-timers', 'without the delayed events')
    .action(async (agent: string, to: string, flags: ForkFlags, self: Command) => {
      const context = contextOf(self, io);
      const { output } = context;
      if (flags.dryRun === true) return output.message(`${oneLine(to)} would be begun from ${oneLine(agent)}`);
      const { snapshot } = flags;
      const from = await connected(context, ({ client }) =>
        client.fork(agent, to, {
          ...reasonOf(flags),
          ...(snapshot !== undefined && { snapshot }),
          ...(flags.dropTimers === true && { timers: 'drop' }),
        }),
      );
      if (output.json) output.data('action', { agent: to, from: agent, snapshot: from, done: 'forked' }, () => '');
      else output.message(`${oneLine(to)} is begun from ${oneLine(agent)} as it was at ${oneLine(from)}`);
    });
  examples(command, [
    'wakebus agents fork order/42 order/42-try',
    'wakebus agents fork order/42 order/42-try --snapshot 1-17 --drop-timers',
  ]);
}
