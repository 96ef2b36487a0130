/** `wakebus demo`: loaded only when it is asked for, with the recorded deliveries that it brings. */
import type { Command } from 'commander';
import { Exit, type ExitCode, exitCode } from '../exit-codes.ts';
import { examples } from '../command-context.ts';

export function addDemo(program: Command): void {
  const command = program
    .command('demo')
    .description('run "one agent slept 880 days": recorded deliveries, two placement nodes, four crashes, one digest')
    .argument('[args...]', 'arguments of the demo; see wakebus demo --help')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (args: string[]) => {
      const { runDemo } = await import('../demo/run-demo.ts');
      const code = await runDemo(args);
      if (code !== exitCode.ok) throw new Exit(code as ExitCode);
    });
  examples(command, ['wakebus demo']);
}
