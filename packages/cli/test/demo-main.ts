/** The demo as a program of its own, so that tests can interrupt and kill it. */
import { runDemo } from '../src/demo/run-demo.ts';

process.exitCode = await runDemo(process.argv.slice(2));
