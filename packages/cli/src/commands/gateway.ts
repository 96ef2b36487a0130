/** `wakebus gateway`: agents, webhooks and tokens over HTTP, for a deployment that exists. */
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.ts';
import { contextOf, examples } from '../command-context.ts';
import type { GatewayFlags } from '../gateway/run-gateway.ts';

export function addGateway(program: Command, io: CliIo): void {
  const command = program
    .command('gateway')
    .description('serve agents and webhooks over HTTP; callers need a token (wakebus tokens)')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on (default: 8080)')
    .option(
      '--config <file>',
      'JSON file with webhooks, sources, limits, corsOrigins, trustedProxies, hosts, host, port',
    )
    .action(async (flags: GatewayFlags, self: Command) => {
      const { runGateway } = await import('../gateway/run-gateway.ts');
      await runGateway(contextOf(self, io), flags);
    });
  examples(command, ['wakebus gateway --host 0.0.0.0 --config gateway.json']);
}
