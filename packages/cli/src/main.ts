#!/usr/bin/env node
/** The `wakebus` command. */
import { processIo } from './cli-io.ts';
import { exitCode } from './exit-codes.ts';
import { startProcessTelemetry } from './process-telemetry.ts';
import { runCli } from './run-cli.ts';

// `wakebus agents list | head` is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCode.ok);
  throw error;
});

const telemetry = await startProcessTelemetry('wakebus-cli');
const code = await runCli(process.argv.slice(2), processIo());
await telemetry.stop();
// What is written must be out before the process ends; a connection that hangs must not hold it.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
