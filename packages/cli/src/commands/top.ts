/** `wakebus top`: what agents are doing, by type, renewed all the time. Plain lines where there is no terminal. */
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { readCount, readDurationFlag } from '../human.ts';
import type { LiveFigures } from '../live-figures.ts';
import type { Session } from '../session.ts';

/** Clears a terminal's screen. */
const CLEAR = '\u{1b}[H\u{1b}[J';

export function addTop(program: Command, io: CliIo): void {
  const command = program
    .command('top')
    .description(
      'show wakes, turns and waiting messages by type, and placement nodes, renewed all the time; lines where there is no terminal',
    )
    .option('--every <time>', 'between two looks', '1s')
    .option('--looks <n>', 'end after so many')
    .action(async (flags: { readonly every: string; readonly looks?: string }, self: Command) => {
      const everyMs = readDurationFlag('--every', flags.every);
      if (everyMs < 100)
        throw new WakebusError('INVALID_OPTION', { option: '--every', why: 'write a time of 100ms or more, as 1s' });
      const looks = readCount('--looks', flags.looks) ?? Infinity;
      const context = contextOf(self, io);
      const stopped = new AbortController();
      const end = io.onStop(() => stopped.abort());
      await connected(context, (session) => watch(context, session, { everyMs, looks, stopped })).finally(end);
    });
  examples(command, ['wakebus top', 'wakebus top --every 10s --json']);
}

interface Watching {
  readonly everyMs: number;
  readonly looks: number;
  readonly stopped: AbortController;
}

async function watch(
  { io, output }: CommandContext,
  session: Session,
  { everyMs, looks, stopped }: Watching,
): Promise<void> {
  const live = await import('../live-figures.ts');
  const figures = new live.LiveFigures();
  const { signal } = stopped;
  const observation = session.client.observe('*', (event) => figures.take(event));
  const following = follow(session, figures, signal);
  for (let look = 0; look < looks && !signal.aborted; look += 1) {
    await setTimeout(everyMs, undefined, { signal }).catch(() => {});
    const seen = await figures.look(session, everyMs);
    output.data('top', seen, () => (io.isScreen === true ? `${CLEAR}${live.screenOf(seen)}` : live.lineOf(seen)));
  }
  observation.stop();
  stopped.abort();
  await following;
}

async function follow({ client }: Session, figures: LiveFigures, signal: AbortSignal): Promise<void> {
  for await (const commit of client.follow('*', { signal })) figures.commit(commit);
}
