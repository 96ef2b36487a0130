/**
 * Packs every package as it would be published and looks into the tarball: does its manifest lead to what is
 * in it (publint), and do its types lead to its code (Are The Types Wrong)?
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const folder = resolve('.cache/packed');

/**
 * Checks what would be published. The build must be fresh.
 *
 * @returns What is wrong; nothing when all is well.
 */
export function checkPackages(): string | undefined {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const packages = globSync('packages/*/package.json').map(dirname).toSorted();
  if (packages.length === 0) return 'there is no package to pack';
  const faults = packages.map(checkPackage).filter((fault) => fault !== undefined);
  return faults.length > 0 ? `\n${faults.join('\n')}` : undefined;
}

function checkPackage(path: string): string | undefined {
  const tarball = `${folder}/${path.replace('packages/', '')}.tgz`;
  const fault =
    check('pnpm', ['--dir', path, 'pack', '--out', tarball]) ??
    (existsSync(tarball) ? undefined : 'pnpm packed nothing') ??
    check('publint', ['run', tarball, '--strict']) ??
    check('attw', [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji']);
  console.log(`${path}: ${fault ? 'refused' : 'good'}`);
  return fault && `${path}: ${fault}`;
}

/** What a program said when it failed. */
function check(program: string, args: readonly string[]): string | undefined {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? undefined : `${program}: ${error?.message ?? `${stdout}${stderr}`}`;
}
