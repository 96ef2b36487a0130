/** `wakebus agents suspend`, `resume`, `recover` and `remove`: an operator's hand on one agent, or on several. */
import type { Command } from 'commander';
import type { Client } from '@wakebus/client';
import { WakebusError, parseAddress } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { type ActionFlags, actionFlags, confirm, reasonOf } from '../confirmation.ts';
import { oneLine } from '../human.ts';

interface RecoverFlags extends ActionFlags {
  readonly keep?: boolean;
  readonly anew?: boolean;
}

/** One verb, and how it is said. */
interface Verb {
  readonly name: string;
  readonly does: string;
  /** "hello/ada would be …". */
  readonly done: string;
  readonly examples: readonly string[];
  readonly act: (client: Client, address: string, flags: ActionFlags) => Promise<void>;
}

const verbs: readonly Verb[] = [
  {
    name: 'suspend',
    does: 'keep agents from taking events until they are resumed; their messages wait',
    done: 'suspended',
    examples: ['wakebus agents suspend order/42 --reason "it orders twice"'],
    act: (client, address, flags) => client.suspend(address, reasonOf(flags)),
  },
  {
    name: 'resume',
    does: 'let suspended agents take events again, those first that waited',
    done: 'resumed',
    examples: ['wakebus agents resume order/42 --reason "mended"'],
    act: (client, address, flags) => client.release(address, reasonOf(flags)),
  },
];

export function addAgentActions(agents: Command, io: CliIo): void {
  for (const verb of verbs) addVerb(agents, io, verb);
  addRecover(agents, io);
  addRemove(agents, io);
}

function addVerb(agents: Command, io: CliIo, verb: Verb): void {
  const command = actionFlags(agents.command(`${verb.name} <agent...>`), false)
    .description(verb.does)
    .action((addresses: string[], flags: ActionFlags, self: Command) =>
      each(contextOf(self, io), addresses, flags, verb.done, verb.act),
    );
  examples(command, verb.examples);
}

function addRecover(agents: Command, io: CliIo): void {
  const command = actionFlags(agents.command('recover <agent...>'), true)
    .description('have agents run again at once that have failed, or wait for their next try')
    .option('--keep', 'of one in quarantine: go on from the state that is stored, with what its inbox holds')
    .option('--anew', 'of one in quarantine: give its state up, and begin a new life with what waits for it')
    .action(async (addresses: string[], flags: RecoverFlags, self: Command) => {
      const context = contextOf(self, io);
      if (flags.keep === true && flags.anew === true)
        throw new WakebusError('INVALID_OPTION', { option: '--anew', why: 'give --keep or --anew, not both' });
      if (flags.anew === true) await confirmEach(context, addresses, flags, 'Giving up the state of');
      const decision = flags.keep === true ? 'keep' : flags.anew === true ? 'anew' : undefined;
      await each(context, addresses, flags, 'recovered', (client, address) =>
        client.recover(address, { ...reasonOf(flags), ...(decision !== undefined && { decision }) }),
      );
    });
  examples(command, [
    'wakebus agents recover order/42 --reason "the bank is back"',
    'wakebus agents recover order/42 --keep --reason "the inbox was restored from a backup"',
  ]);
}

function addRemove(agents: Command, io: CliIo): void {
  const command = actionFlags(agents.command('remove <agent...>'), true)
    .description('remove agents for good: their state goes, a tombstone stays')
    .action(async (addresses: string[], flags: ActionFlags, self: Command) => {
      const context = contextOf(self, io);
      await confirmEach(context, addresses, flags, 'Removing');
      await each(context, addresses, flags, 'removed', (client, address) => client.remove(address, reasonOf(flags)));
    });
  examples(command, ['wakebus agents remove order/42 --reason "a test"']);
}

/** One question for each: a name that is typed answers for that one only. */
async function confirmEach(
  context: CommandContext,
  addresses: readonly string[],
  flags: ActionFlags,
  what: string,
): Promise<void> {
  if (flags.dryRun === true) return;
  for (const address of addresses) await confirm(context, flags, `${what} ${oneLine(address)}`, address);
}

/** All addresses are read before anything is done, and what cannot be done ends the rest. */
async function each(
  context: CommandContext,
  addresses: readonly string[],
  flags: ActionFlags,
  done: string,
  act: Verb['act'],
): Promise<void> {
  for (const address of addresses) parseAddress(address);
  const { output } = context;
  if (flags.dryRun === true) {
    for (const address of addresses) output.message(`${oneLine(address)} would be ${done}`);
    return;
  }
  await connected(context, async ({ client }) => {
    for (const address of addresses) {
      await act(client, address, flags);
      if (output.json) output.data('action', { agent: address, done }, () => '');
      else output.message(`${oneLine(address)} is ${done}`);
    }
  });
}
