/** `wakebus node`: the agents of a file as a placement node, for a deployment that exists. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { contextOf, examples } from '../command-context.ts';
import type { NodeFlags } from '../node/run-node.ts';

export function addNode(program: Command, io: CliIo): void {
  const command = program
    .command('node <file>')
    .description('run the agents that a file exports as a placement node of a deployment (wakebus setup)')
    .option('--pool <name>', 'the pool that it belongs to (default: default)')
    .option('--name <name>', 'what its ID begins with (default: node)')
    .option('--health-host <host>', 'address on which /health and /ready answer (default: 127.0.0.1)')
    .option('--health-port <port>', 'their port (default: 8081)')
    .option(
      '--monitors <urls>',
      'refuse a deployment that could lose acknowledged events; monitoring URLs of all servers, separated by commas',
    )
    .action(async (file: string, flags: NodeFlags, self: Command) => {
      const path = resolve(io.cwd, file);
      if (!existsSync(path)) throw new WakebusError('INVALID_OPTION', { option: 'file', why: `there is no ${path}` });
      const { runNode } = await import('../node/run-node.ts');
      await runNode(contextOf(self, io), path, flags);
    });
  examples(command, ['wakebus node agents.ts', 'wakebus node agents.ts --pool gpu --health-host 0.0.0.0']);
}
