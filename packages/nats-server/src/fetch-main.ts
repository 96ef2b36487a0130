/**
 * The search as a program: prints the path of a nats-server, fetching one when the machine has none.
 *
 * `node fetch-main.ts [--cache-dir <folder>]`. Exits with 1 and one message when there is none to be had.
 */
import { parseArgs } from 'node:util';
import { NatsServerError } from './errors.ts';
import { findNatsServer } from './find.ts';

const { values } = parseArgs({ options: { 'cache-dir': { type: 'string' } } });
const cacheDir = values['cache-dir'];

try {
  console.log(await findNatsServer(cacheDir ? { cacheDir } : {}));
} catch (error) {
  console.error(error instanceof NatsServerError ? error.message : error);
  process.exitCode = 1;
}
