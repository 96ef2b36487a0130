/** `wakebus dev`: a server with a store that lasts, and the agents of a file, restarted when it changes. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { contextOf, examples } from '../command-context.ts';
import type { DevFlags } from '../dev/run-dev.ts';

export function addDev(program: Command, io: CliIo): void {
  const command = program
    .command('dev <file>')
    .description('run the agents that a file exports, with a server of their own; restarts them when the file changes')
    .option('--port <port>', 'port of the server (default: a free one)')
    .action(async (file: string, flags: DevFlags, self: Command) => {
      const context = contextOf(self, io);
      const path = resolve(io.cwd, file);
      if (!existsSync(path)) throw new WakebusError('INVALID_OPTION', { option: 'file', why: `there is no ${path}` });
      const { runDev } = await import('../dev/run-dev.ts');
      await runDev(context, path, flags);
    });
  examples(command, [
    'wakebus dev agent.ts',
    `wakebus send hello/ada greet '{"name":"Ada"}' --wait   # in another terminal`,
  ]);
}
