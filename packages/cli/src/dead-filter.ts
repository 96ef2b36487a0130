/** Which dead letters and held messages a command is about, and what they are called. */
import type { Command } from 'commander';
import type { ParkedOptions, ParkedSummary } from '@wakebus/client';
import { WakebusError } from '@wakebus/protocol';
import { oneLine } from './human.ts';

/** Which messages. */
export interface Filter {
  readonly agent?: string;
  readonly type?: string;
  readonly code?: string;
}

/** Adds the flags of a {@link Filter}. */
export function filterFlags(command: Command): Command {
  return command
    .option('-a, --agent <agent>', 'only of this agent')
    .option('-t, --type <type>', 'only of agents of this type')
    .option('--code <code>', 'only those that were given up with this error code');
}

/** What of the flags selects. */
export function pick({ agent, type, code }: Filter): ParkedOptions {
  return {
    ...(agent !== undefined && { agent }),
    ...(type !== undefined && { type }),
    ...(code !== undefined && { code }),
  };
}

/** The number that a list shows. @throws {WakebusError} `INVALID_OPTION`. */
export function readId(text: string): number {
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  throw new WakebusError('INVALID_OPTION', {
    option: text,
    why: 'write the number of a message, as the list shows it',
  });
}

/** What a message is, for people. */
export function whatOf({ what, event, from }: ParkedSummary): string {
  const sender = from === undefined ? '' : ` from ${oneLine(from)}`;
  return event === undefined ? what : `${oneLine(event)}${sender}`;
}
