/**
 * A real browser for tests: `$CHROMIUM`, the system's, or on Debian, for root, the one that apt installs. Where there
 * is none the tests that need it are skipped, and say so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where it is. @returns `undefined` where there is none to be had; why is on standard error. */
export function findChromium(): string | undefined {
  const known = places.find((path) => path !== '' && existsSync(path));
  if (known !== undefined) return known;
  const why = install();
  const found = places.find((path) => path !== '' && existsSync(path));
  if (found === undefined)
    console.warn(`SKIPPED: no Chromium to test the console in. Install one, or set CHROMIUM. ${why}`);
  return found;
}

/** @returns why there is none afterwards. */
function install(): string {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return 'Only root on Debian gets one by itself.';
  const apt = (...args: string[]): string => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status, stderr, error } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
    return status === 0 ? '' : `apt-get ${args[0]}: ${error?.message ?? stderr.trim().slice(-300)}`;
  };
  return (
    apt('update') ||
    apt('install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core') ||
    'apt-get has installed none.'
  );
}

export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: flags });
}
