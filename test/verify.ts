/**
 * Everything that a change must pass, in this order: `npm run verify`, or some of it: `npm run verify -- lint types`.
 *
 * A checker that reads nothing reports no fault, so each step also shows that it has read something.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, rmSync } from 'node:fs';
import { checkPackages } from './verify-packages.ts';

/** A step returns what is wrong; nothing when all is well. */
type Step = () => string | undefined;

/** Knip must report this unused file; when it does not, it has read nothing. */
const canary = 'test/fixtures/architecture-sample.ts';

const steps: Readonly<Record<string, Step>> = {
  format: () => readingAll('oxfmt', ['--config', '.oxfmtrc.json', '--check']),
  lint: () => readingAll('oxlint', ['--config', '.oxlintrc.json', '--type-aware', '--deny-warnings']),
  types: checkTypes,
  test: () => (run(process.execPath, ['test/run-tests.ts']).ok ? undefined : 'tests failed'),
  knip: checkUnused,
  packages: checkPackages,
};

process.exitCode = main(process.argv.slice(2));

function main(wanted: readonly string[]): number {
  const unknown = wanted.filter((name) => !(name in steps));
  if (unknown.length > 0)
    return fail(`There is no step ${unknown.join(', ')}. Steps: ${Object.keys(steps).join(', ')}`);
  for (const [name, step] of Object.entries(steps)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`── ${name}`);
    const fault = step();
    if (fault) return fail(`verify: ${name}: ${fault}`);
  }
  console.log('── verified');
  return 0;
}

function fail(message: string): number {
  console.error(message);
  return 1;
}

function run(program: string, args: readonly string[], quiet = false): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: quiet ? 'pipe' : ['inherit', 'pipe', 'pipe'],
  });
  const output = `${stdout}${stderr}`;
  if (!quiet) process.stdout.write(output);
  return { ok: status === 0, output };
}

/** Runs a checker that says on how many files it worked, which must be all the sources at least. */
function readingAll(program: string, args: readonly string[]): string | undefined {
  const { ok, output } = run(program, args);
  if (!ok) return `${program} found faults`;
  const sources = globSync('{packages/*/{src,test},test}/**/*.ts').filter((path) => path !== canary).length;
  const read = Number(/ on (\d+) files/.exec(output)?.[1] ?? 0);
  return sources === 0 || read < sources ? `${program} read ${read} files of ${sources}` : undefined;
}

/** Builds from nothing, so that what is packed later holds no output of a source that is gone. */
function checkTypes(): string | undefined {
  const packages = globSync('packages/*/package.json').map((path) => path.replace('/package.json', ''));
  for (const path of packages) rmSync(`${path}/dist`, { recursive: true, force: true });
  rmSync('.cache/tests.tsbuildinfo', { force: true });
  if (!run('tsc', ['-b']).ok) return 'tsc found faults';
  const unread = packages.filter((path) => !existsSync(`${path}/dist/.tsbuildinfo`));
  if (!existsSync('.cache/tests.tsbuildinfo')) unread.push('test');
  if (packages.length === 0 || unread.length > 0)
    return `tsc read nothing of ${unread.join(', ') || 'packages'}: add it to tsconfig.json`;
  return undefined;
}

/** Knip reports its canary and nothing else. */
function checkUnused(): string | undefined {
  const { output } = run('knip', ['--reporter', 'compact', '--no-progress'], true);
  const faults = output
    .split('\n')
    .filter((line) => line.trim() && !line.includes(canary) && !/^Unused files \(1\)$/.test(line));
  if (!output.includes(canary)) return `knip read nothing: it does not report ${canary}, which is unused\n${output}`;
  return faults.length > 0 ? `unused code or dependencies\n${faults.join('\n')}` : undefined;
}
