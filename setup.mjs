/**
 * Brings everything that this repository needs, then runs one task with it: `node setup.mjs <task> [args…]`.
 *
 * Plain JavaScript that Node.js 18 runs, because it is what a bare machine starts with. The parts are in
 * `.setup`; the tasks themselves run on the toolchain's Node.js.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError, taskEnvironment } from './.setup/environment.mjs';
import { prepareWorkspace } from './.setup/workspace.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const vitestConfig = join(root, 'test', 'vitest.config.ts');

/** Each task as a command line; its arguments are appended. A `.ts` file runs on the toolchain's Node.js. */
const tasks = {
  demo: ['packages/cli/src/main.ts', 'demo'],
  test: ['test/run-tests.ts'],
  verify: ['test/verify.ts'],
  bench: ['test/bench/main.ts'],
  sim: ['packages/testing/src/sim-main.ts'],
  chaos: ['packages/testing/src/chaos-main.ts'],
  soak: ['packages/testing/src/soak-main.ts'],
  format: ['oxfmt', '--config', '.oxfmtrc.json'],
  lint: ['oxlint', '--config', '.oxlintrc.json', '--type-aware', '--deny-warnings'],
  types: ['tsc', '-b'],
  build: ['tsc', '-b'],
};

await main(process.argv[2], process.argv.slice(3)).catch(report);

async function main(task, args) {
  const command = task === 'exec' ? execCommand(args) : tasks[task]?.concat(args);
  if (!command?.length)
    throw new SetupError('Say what to run: node setup.mjs <task> [args…]', [
      `Tasks: ${[...Object.keys(tasks), 'exec <command…>'].join(', ')}`,
    ]);
  const tools = prepareWorkspace(root);
  const [program, ...rest] = command[0].endsWith('.ts') ? [tools.node, ...command] : command;
  const cwd = task === 'exec' ? process.cwd() : root;
  process.exitCode = await run(program, rest, { cwd, env: taskEnvironment(root, tools), stdio: 'inherit' });
}

/** `exec vitest` finds the configuration too, which does not lie where vitest looks for it. */
function execCommand(args) {
  const bare = args[0] === 'vitest' && !args.some((arg) => /^(-c|--config)\b/.test(arg));
  return bare ? [...args, '--root', root, '--config', vitestConfig] : args;
}

/** Runs a program to its end, handing on the signals that ask it to stop. */
function run(program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, options);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

function report(error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 1;
}
