/** `wakebus gc`: collects chunks in the object store that no agent's record names any more. */
import type { Command } from 'commander';
import type { Collection } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { bytes, counted, readDuration } from '../human.ts';

interface GcFlags {
  readonly dryRun?: boolean;
  readonly grace?: string;
}

export function addGc(program: Command, io: CliIo): void {
  const command = program
    .command('gc')
    .description('collect chunks in the object store that no agent needs any more; safe while agents run')
    .option('--dry-run', 'only say what would be collected')
    .option('--grace <time>', 'collect nothing younger, an hour at least (default: 24h)')
    .action(async (flags: GcFlags, self: Command) => {
      const context = contextOf(self, io);
      const dryRun = flags.dryRun === true;
      const graceMs = readGrace(flags.grace);
      const found = await connected(context, async (session) => {
        const { checkObjects, collectChunks } = await import('@wakebus/placement-node');
        const { portsOf } = await import('../census.ts');
        const ports = portsOf(session);
        await checkObjects(ports.registry, ports.chunks.location);
        return collectChunks(ports, { dryRun, ...(graceMs !== undefined && { graceMs }) });
      });
      context.output.data('gc', { dryRun, ...found }, () => told(found, dryRun));
    });
  examples(command, ['wakebus gc --dry-run', 'wakebus gc', 'wakebus gc --grace 2h']);
}

function told(found: Collection, dryRun: boolean): string {
  const { chunks, collected, collectedBytes, named, sizeBytes, spared, young } = found;
  const what = `${counted(collected, 'chunk')}, ${bytes(collectedBytes)}`;
  const kept = [`${named} needed`, `${young} too young`, ...(spared > 0 ? [`${spared} put again meanwhile`] : [])];
  return `${dryRun ? 'would collect' : 'collected'} ${what}, of ${counted(chunks, 'chunk')}, ${bytes(sizeBytes)} (${kept.join(', ')})`;
}

function readGrace(text: string | undefined): number | undefined {
  const graceMs = text === undefined ? undefined : readDuration(text);
  if (text === undefined || graceMs !== undefined) return graceMs;
  throw new WakebusError('INVALID_OPTION', { option: '--grace', why: 'write a length of time such as 24h' });
}
