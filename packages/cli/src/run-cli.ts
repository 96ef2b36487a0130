/** The command line as a function: arguments in, exit code out. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import type { CliIo } from './cli-io.ts';
import { addAgents } from './commands/agents.ts';
import { addAudit } from './commands/audit.ts';
import { addChannels } from './commands/channels.ts';
import { addDead } from './commands/dead.ts';
import { addDebug } from './commands/debug.ts';
import { addDemo } from './commands/demo.ts';
import { addDev } from './commands/dev.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDoorbell } from './commands/doorbell.ts';
import { addEffects } from './commands/effects.ts';
import { addExplain } from './commands/explain.ts';
import { addGateway } from './commands/gateway.ts';
import { addIncidents } from './commands/incidents.ts';
import { addGc } from './commands/gc.ts';
import { addInspect } from './commands/inspect.ts';
import { addNode } from './commands/node.ts';
import { addSchedules } from './commands/schedules.ts';
import { addSend } from './commands/send.ts';
import { addSetup } from './commands/setup.ts';
import { addSnapshots } from './commands/snapshots.ts';
import { addWorkspace } from './commands/workspace.ts';
import { addStatus } from './commands/status.ts';
import { addTail } from './commands/tail.ts';
import { addTimers } from './commands/timers.ts';
import { addTop } from './commands/top.ts';
import { addTokens } from './commands/tokens.ts';
import { examples } from './command-context.ts';
import { Exit, type ExitCode, exitCode, exitCodeOf } from './exit-codes.ts';
import { Output } from './output.ts';

/**
 * Runs one command.
 *
 * @param argv - Arguments after the program's name.
 * @returns its exit code, once all has been said.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const stopped = interruption(io, argv);
  try {
    await Promise.race([createProgram(io).parseAsync(argv, { from: 'user' }), stopped.promise]);
    return exitCode.ok;
  } catch (thrown) {
    if (!(thrown instanceof Exit) && !(thrown instanceof CommanderError))
      new Output(io, argv.includes('--json')).error(thrown);
    return exitCodeOf(thrown);
  } finally {
    stopped.end();
  }
}

/** Commands that have something to finish. */
const DRAINING: ReadonlySet<string> = new Set(['dev', 'demo', 'gateway', 'node']);

/** A Ctrl-C ends a command at once; those that drain listen by themselves. */
function interruption(io: CliIo, argv: readonly string[]): { readonly promise: Promise<never>; end(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {}); // Heard by the race, as long as that is on.
  const drains =
    argv.some((argument) => DRAINING.has(argument)) || (argv.includes('incidents') && argv.includes('forward'));
  return { promise, end: drains ? () => {} : io.onStop(() => reject(new Exit(exitCode.interrupted))) };
}

function createProgram(io: CliIo): Command {
  const program = new Command('wakebus')
    .description('Wakebus: agents that sleep for free and wake in milliseconds, on NATS JetStream')
    .version(version(), '-V, --version')
    .option('-s, --servers <urls>', 'NATS servers, separated by commas ($WAKEBUS_SERVERS, $NATS_URL)')
    .option('-p, --prefix <name>', 'name of the deployment ($WAKEBUS_PREFIX)')
    .option('--creds <file>', 'NATS credentials file ($WAKEBUS_CREDS, $NATS_CREDS)')
    .option('--json', 'data as NDJSON on stdout, errors as JSON on stderr')
    .option('--no-input', 'never ask anything')
    .exitOverride()
    .showHelpAfterError('Help: add --help')
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) });
  addDev(program, io);
  addDemo(program);
  addSend(program, io);
  addInspect(program, io);
  addAgents(program, io);
  addSnapshots(program, io);
  addWorkspace(program, io);
  addEffects(program, io);
  addSchedules(program, io);
  addTimers(program, io);
  addDoorbell(program, io);
  addDead(program, io);
  addAudit(program, io);
  addIncidents(program, io);
  addExplain(program, io);
  addDebug(program, io);
  addTop(program, io);
  addTail(program, io);
  addNode(program, io);
  addGateway(program, io);
  addTokens(program, io);
  addChannels(program, io);
  addStatus(program, io);
  addDoctor(program, io);
  addSetup(program, io);
  addGc(program, io);
  program.addHelpText(
    'after',
    '\nExit codes: 0 ok · 1 failed · 2 usage · 3 not found · 4 conflict or quarantined · 5 unavailable, try again\n            6 outcome unknown · 7 invalid · 130 interrupted',
  );
  return examples(program, [
    'wakebus demo',
    'wakebus dev agent.ts',
    'wakebus send hello/ada greet --wait',
    'wakebus inspect hello/ada',
  ]);
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
