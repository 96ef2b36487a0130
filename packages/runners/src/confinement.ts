/**
 * What keeps a program from the rest of its machine, and from outliving its placement node: the strongest means that
 * are there, each tried out before it is trusted.
 *
 * With bubblewrap: file systems read-only but for a `/tmp`, processes of its own, no network unless
 * asked. With unshare: its own processes and network. With setpriv alone: it dies with its node. `prlimit` bounds
 * what it takes. Where nothing is there, a program that ends at the end of its input is all there is.
 */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { WakebusError } from '@wakebus/protocol';
import type { ProcessSpec } from './process-options.ts';

/** What is there on this machine. */
export interface Means {
  readonly bubblewrap: boolean;
  readonly unshare: boolean;
  readonly setpriv: boolean;
  readonly prlimit: boolean;
}

/** A trial takes milliseconds; what hangs for so long, in milliseconds, is not to be trusted. */
const TRIAL_MS = 5_000;

let found: Promise<Means> | undefined;

/** Tries each of them out, once a process. */
export function findMeans(): Promise<Means> {
  found ??= tryAll();
  return found;
}

async function tryAll(): Promise<Means> {
  if (process.platform !== 'linux') return { bubblewrap: false, unshare: false, setpriv: false, prlimit: false };
  const [bubblewrap, unshare, setpriv, prlimit] = await Promise.all([
    works(bubblewrapArgs(false, [], [])),
    works(unshareArgs(false)),
    works(SETPRIV),
    works(['prlimit', '--core=0', '--']),
  ]);
  return { bubblewrap, unshare: unshare && setpriv, setpriv, prlimit };
}

/**
 * What is missing of that which was asked for, in sentences.
 *
 * @throws {WakebusError} `INVALID_OPTION` where it was required.
 */
export function missing({ network, sandbox }: ProcessSpec, means: Means): readonly string[] {
  const isApart = means.bubblewrap || means.unshare;
  const notes = [
    ...(means.bubblewrap
      ? []
      : [
          'bubblewrap (bwrap) is missing or may not be used: programs see and write files as their placement node does',
        ]),
    ...(isApart || network ? [] : ['neither bwrap nor unshare can be used: programs reach the network']),
    ...(isApart || means.setpriv
      ? []
      : [
          'neither bwrap, unshare nor setpriv can be used: a program outlives a killed placement node, unless it ends at the end of its input',
        ]),
    ...(means.prlimit ? [] : ['prlimit is missing: memory, CPU time and open files of programs are not limited']),
  ];
  if (sandbox === 'require' && notes.length > 0)
    throw new WakebusError('INVALID_OPTION', {
      option: 'process: sandbox',
      why: `it is required, and ${notes.join('; ')}`,
    });
  return notes;
}

/** The whole command line of a program: what confines it, then itself. */
export function confined(spec: ProcessSpec, means: Means): readonly [string, ...string[]] {
  return [...limitArgs(spec, means), ...wallArgs(spec, means), ...spec.command] as unknown as [string, ...string[]];
}

function wallArgs({ cwd = '.', network, writable }: ProcessSpec, means: Means): readonly string[] {
  const paths = writable.map((path) => resolve(path));
  if (means.bubblewrap) return bubblewrapArgs(network, [resolve(cwd)], paths);
  if (means.unshare) return unshareArgs(network);
  return means.setpriv ? SETPRIV : [];
}

function limitArgs(
  { limits: { memoryMb, cpuSeconds, openFiles } }: ProcessSpec,
  { prlimit }: Means,
): readonly string[] {
  if (!prlimit) return [];
  const cpu = cpuSeconds === undefined ? [] : [`--cpu=${cpuSeconds}`];
  return ['prlimit', '--core=0', `--data=${memoryMb * 1024 * 1024}`, `--nofile=${openFiles}`, ...cpu, '--'];
}

function bubblewrapArgs(network: boolean, readable: readonly string[], writable: readonly string[]): readonly string[] {
  return [
    'bwrap',
    '--die-with-parent',
    '--unshare-pid',
    '--unshare-ipc',
    '--cap-drop',
    'ALL',
    ...(network ? [] : ['--unshare-net']),
    '--ro-bind',
    '/',
    '/',
    '--dev',
    '/dev',
    '--proc',
    '/proc',
    '--tmpfs',
    '/tmp',
    ...readable.flatMap((path) => ['--ro-bind', path, path]),
    ...writable.flatMap((path) => ['--bind', path, path]),
    '--',
  ];
}

const SETPRIV: readonly string[] = ['setpriv', '--pdeathsig', 'KILL', '--'];

function unshareArgs(network: boolean): readonly string[] {
  return [
    ...SETPRIV,
    'unshare',
    '--fork',
    '--pid',
    '--kill-child',
    '--mount-proc',
    ...(network ? [] : ['--net']),
    '--',
  ];
}

function works([program = '', ...args]: readonly string[]): Promise<boolean> {
  return new Promise((tell) => {
    const trial = spawn(program, [...args, 'true'], { stdio: 'ignore', timeout: TRIAL_MS });
    trial.on('error', () => tell(false));
    trial.on('exit', (code) => tell(code === 0));
  });
}
