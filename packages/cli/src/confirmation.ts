/** What destroys asks first: the name of what it is about, typed, or `--force`. */
import type { Command } from 'commander';
import { WakebusError } from '@wakebus/protocol';
import type { CommandContext } from './command-context.ts';

/** Flags of every command that changes what agents are. */
export interface ActionFlags {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** Adds them. @param destroys - Whether it asks before it acts. */
export function actionFlags(command: Command, destroys: boolean): Command {
  command
    .option('--reason <text>', 'why, for the audit and whoever looks later')
    .option('--dry-run', 'say what would be done, and do nothing');
  return destroys ? command.option('-f, --force', 'do it without asking') : command;
}

/** The reason as the client takes it. */
export function reasonOf({ reason }: ActionFlags): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

/**
 * Lets an action that destroys pass.
 *
 * @param name - What must be typed.
 * @throws {WakebusError} `INVALID_OPTION` when another name is typed, or when there is nobody to ask.
 */
export async function confirm(
  { io, mayAsk }: CommandContext,
  { force }: ActionFlags,
  what: string,
  name: string,
): Promise<void> {
  if (force === true) return;
  if (!mayAsk || io.ask === undefined)
    throw new WakebusError('INVALID_OPTION', { option: '--force', why: `${what} cannot be undone; give it to go on` });
  const typed = await io.ask(`${what} cannot be undone. Type ${name} to go on: `);
  if (typed.trim() !== name)
    throw new WakebusError('INVALID_OPTION', { option: name, why: 'something else was typed; nothing was done' });
}
