/** `wakebus setup`: creates the streams and buckets of a deployment, checks them, or prints them. */
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.ts';
import { contextOf, examples } from '../command-context.ts';
import type { SetupFlags } from '../deployment-setup.ts';

export function addSetup(program: Command, io: CliIo): void {
  const command = program
    .command('setup')
    .description('create the streams and buckets of a deployment; what exists is left as it is')
    .option('--check', 'create nothing: compare what is there with what Wakebus needs')
    .option(
      '--print',
      'create nothing: print as JSON what to create; with several shards also an account mapping that spares plain publishers a hop',
    )
    .option('--production', 'with --check: also demand three replicas and a flush on every write')
    .option('--monitor <urls>', 'with --production: monitoring addresses of all servers, separated by commas')
    .option('--partitions <count>', 'partitions of the inbox; fixed from then on (default: 16)')
    .option('--shards <count>', 'inbox and timer streams; fixed from then on (default: 1)')
    .option('--replicas <count>', 'servers that keep each stream (default: 1)')
    .action(async (flags: SetupFlags, self: Command) => {
      const { setUp } = await import('../deployment-setup.ts');
      await setUp(contextOf(self, io), flags);
    });
  examples(command, [
    'wakebus setup',
    'wakebus setup --replicas 3',
    'wakebus setup --check --production --monitor http://10.0.0.1:8222',
    'wakebus setup --print > streams.json',
  ]);
}
