/**
 * A watched folder as a source: what happens to its files becomes events.
 *
 * Events carry no bytes: an effect of the agent reads the file. What has been seen is remembered, so that a restart
 * tells only what has changed meanwhile, and several processes may watch the same folder.
 */
import { resolve } from 'node:path';
import { type Mapped, type Source, checkCounts, defineSource } from '../source.ts';
import type { FileChange } from './file-change.ts';
import { FolderRun } from './folder-run.ts';
import type { Ignore } from './ignored.ts';

export interface FolderSourceOptions {
  /** Unique in a deployment: names what is remembered of the files. */
  readonly name: string;
  readonly folder: string;
  /** What a change becomes. Must not have effects, and must give the same each time: it may run again. One that throws is tried again, and then given up. */
  readonly map: (change: FileChange) => Mapped;
  /** What else is left out, beside what version control, editors and downloads leave on their way. @default nothing */
  readonly ignore?: Ignore;
  /** What is there before the first start: it is brought in as `added`, or only remembered. @default "bring" – nothing is passed over in silence */
  readonly existing?: 'bring' | 'skip';
  /** A file is looked at once it has been left alone for so long, in milliseconds. @default 200 – editors and copies write in bursts */
  readonly quietMs?: number;
  /** And after so long also while it is still written, in milliseconds. @default 10,000 – a log is never left alone */
  readonly longestMs?: number;
  /** How often the whole folder is looked through, in milliseconds. @default 60,000 – for what the system does not tell, as of network file systems */
  readonly rescanMs?: number;
  /** How often a change is mapped before it is given up. @default 5 */
  readonly tries?: number;
}

/** The options with their defaults; the folder is absolute. */
export type FolderPlan = Required<FolderSourceOptions>;

/** Makes a source of a folder. @throws {WakebusError} `INVALID_OPTION`. */
export function folderSource(options: FolderSourceOptions): Source {
  const plan: FolderPlan = {
    ignore: [],
    existing: 'bring',
    quietMs: 200,
    longestMs: 10_000,
    rescanMs: 60_000,
    tries: 5,
    ...options,
    folder: resolve(options.folder),
  };
  const { quietMs, longestMs, rescanMs, tries } = plan;
  checkCounts({ quietMs, longestMs, rescanMs, tries });
  let run: FolderRun | undefined;
  return defineSource({
    name: plan.name,
    start: (sink, signal) => {
      run = new FolderRun(plan, sink, signal);
      return run.run();
    },
    health: () => ({ folder: plan.folder, ...run?.health() }),
  });
}
