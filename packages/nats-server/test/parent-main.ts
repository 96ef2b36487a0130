/**
 * A program that starts servers, says what it started, and waits to be killed.
 */
import { startNatsServer } from '../src/mod.ts';

const servers = await startNatsServer({ cluster: process.argv[2] === 'cluster' });
console.log(JSON.stringify({ pids: servers.pids, storeDir: servers.storeDir }));
