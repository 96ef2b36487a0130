/** What every command gets, and how the commands that talk to a server are run. */
import type { Command, OptionValues } from 'commander';
import type { CliIo } from './cli-io.ts';
import { Output } from './output.ts';
import { type Session, withSession } from './session.ts';
import { type ResolvedSettings, type Settings, resolveSettings } from './settings.ts';

/** A command being run. */
export interface CommandContext {
  readonly io: CliIo;
  readonly output: Output;
  readonly settings: ResolvedSettings;
  /** Whether questions are allowed. */
  readonly mayAsk: boolean;
}

/** Flags that every command takes. */
interface GlobalFlags extends OptionValues, Settings {
  readonly json?: boolean;
  readonly input?: boolean;
}

/** The context of a command with all flags, its own and the program's. */
export function contextOf(command: Command, io: CliIo): CommandContext {
  const flags = command.optsWithGlobals<GlobalFlags>();
  const { servers, prefix, creds } = flags;
  const given: Settings = {
    ...(servers !== undefined && { servers }),
    ...(prefix !== undefined && { prefix }),
    ...(creds !== undefined && { creds }),
  };
  const settings = resolveSettings(given, io);
  return { io, output: new Output(io, flags.json === true), settings, mayAsk: flags.input !== false };
}

/** Runs the work of a command over a connection. */
export function connected<T>(context: CommandContext, work: (session: Session) => Promise<T>): Promise<T> {
  return withSession(context.settings, context.io, work);
}

/** Examples under a command's help. */
export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}
