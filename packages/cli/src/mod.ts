/**
 * The `wakebus` command as a function, for those who embed it.
 */
export { type CliIo, processIo } from './cli-io.ts';
export { type ExitCode, exitCode } from './exit-codes.ts';
export { runCli } from './run-cli.ts';
