/**
 * Programs out of Debian's own archive, without root and without touching the system.
 *
 * apt runs with private folders: it uses the system's mirror and keyring, verifies the suite's signature
 * as always, and what it downloads is unpacked into the cache, not installed. For machines that reach
 * their Debian mirror and nothing else.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addToCache } from './cache.ts';

const execute = promisify(execFile);

/** The first suite whose nats-server is new enough; stable has 2.9 (bookworm) or 2.10 (trixie). */
const suite = 'forky';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const aptTimeoutMs = 120_000;

/**
 * Fetches Debian's nats-server into the cache.
 *
 * @param cacheDir - Where fetched binaries are kept.
 * @returns The binary's path.
 * @throws Error with the cause: no Debian, no mirror, or what apt said.
 */
export async function fetchFromDebian(cacheDir: string): Promise<string> {
  return addToCache(cacheDir, async (workDir) =>
    join(await unpackFromDebian(workDir, 'nats-server'), 'usr', 'sbin', 'nats-server'),
  );
}

/**
 * Downloads a package and unpacks it below a folder.
 *
 * @returns The root of what was unpacked.
 * @throws Error with the cause, as {@link fetchFromDebian}.
 */
export async function unpackFromDebian(workDir: string, packageName: string): Promise<string> {
  const mirror = await systemMirror();
  const settings = await writeAptFolders(workDir, mirror);
  await apt(settings, ['update'], workDir);
  await apt(settings, ['download', packageName], workDir);
  const archive = (await readdir(workDir)).find((name) => name.endsWith('.deb'));
  if (!archive) throw new Error(`Debian ${suite} at ${mirror} has no ${packageName} for ${process.arch}`);
  const tree = join(workDir, 'tree');
  await execute('dpkg-deb', ['-x', join(workDir, archive), tree]);
  return tree;
}

/** The mirror that the system itself uses: the one that is known to be reachable. */
async function systemMirror(): Promise<string> {
  const { stdout } = await execute('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Origin: Debian']).catch(
    () => {
      throw new Error('this is no Debian: there is no apt-get to fetch a package with');
    },
  );
  const mirror = stdout.split('\n').find((line) => line.includes('://') && !line.includes('security'));
  if (!mirror) throw new Error('apt knows no Debian mirror (run apt-get update once, or add one)');
  return mirror;
}

/** Makes apt's private folders and returns the settings that point to them and away from the system's. */
async function writeAptFolders(workDir: string, mirror: string): Promise<string[]> {
  const at = (name: string): string => join(workDir, 'apt', name);
  await Promise.all(['lists/partial', 'archives/partial', 'none'].map((name) => mkdir(at(name), { recursive: true })));
  await writeFile(at('sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  await writeFile(at('status'), '');
  return [
    `Dir::Etc::SourceList=${at('sources.list')}`,
    `Dir::Etc::SourceParts=${at('none')}`,
    `Dir::Etc::Preferences=${at('none/preferences')}`,
    `Dir::Etc::PreferencesParts=${at('none')}`,
    `Dir::State=${at('.')}`,
    `Dir::State::Lists=${at('lists')}`,
    `Dir::State::status=${at('status')}`,
    `Dir::Cache=${at('.')}`,
    `Dir::Cache::archives=${at('archives')}`,
    'APT::Update::Error-Mode=any',
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
    'Debug::NoLocking=true',
  ];
}

async function apt(settings: readonly string[], command: readonly string[], cwd: string): Promise<void> {
  const options = settings.flatMap((setting) => ['-o', setting]);
  await execute('apt-get', ['-qq', ...options, ...command], { cwd, timeout: aptTimeoutMs }).catch(
    (error: { stderr?: string; message: string }) => {
      throw new Error(
        `apt-get ${command.join(' ')} (Debian ${suite}) failed: ${(error.stderr || error.message).trim()}`,
      );
    },
  );
}
