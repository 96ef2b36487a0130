/** `wakebus workspace`: an agent's files as they were last committed. Wakes nobody. */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileEntry, WorkspaceEntry, WorkspaceManifest } from '@wakebus/placement-node';
import { WakebusError, decodeRecord, parseAddress } from '@wakebus/protocol';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { bytes, counted, oneLine, table } from '../human.ts';
import { type Listing, showList } from '../listing.ts';
import type { Session } from '../session.ts';
import { tarEnd, tarHeader, tarPadding } from '../tar.ts';

interface ToFlags {
  readonly to?: string;
}

/** An agent's files, and how their bytes are had. */
interface Files {
  readonly manifest: WorkspaceManifest;
  readonly fetch: (chunk: string) => Promise<Uint8Array>;
}

export function addWorkspace(program: Command, io: CliIo): void {
  const workspace = program
    .command('workspace')
    .description('look at the files of an agent as they were last committed; fetch and export them');
  addList(workspace, io);
  addGet(workspace, io);
  addExport(workspace, io);
}

function addList(workspace: Command, io: CliIo): void {
  const command = workspace
    .command('ls <agent>')
    .description('its files, folders and links, with their sizes')
    .action(async (agent: string, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      const rows = await connected(context, async (session) =>
        (await filesOf(session, agent)).manifest.entries.map(rowOf),
      );
      showList(context.output, fileListing, rows);
    });
  examples(command, ['wakebus workspace ls order/42', 'wakebus workspace ls order/42 --json | jq -r .path']);
}

function addGet(workspace: Command, io: CliIo): void {
  const command = workspace
    .command('get <agent> <path>')
    .description('one file, into a new one here')
    .option('--to <file>', 'where it goes (default: its own name)')
    .action(async (agent: string, path: string, { to = basename(path) }: ToFlags, self: Command) => {
      const context = contextOf(self, io);
      const sizeBytes = await connected(context, async (session) => {
        const files = await filesOf(session, agent);
        const file = files.manifest.entries.find((entry) => entry.path === path);
        if (file?.kind !== 'file') throw wrong('path', `${oneLine(agent)} has no file ${JSON.stringify(path)}`);
        await written(context, to, contentOf(files, file));
        return file.sizeBytes;
      });
      context.output.data('file', { path, to, sizeBytes }, () => `${oneLine(to)}: ${bytes(sizeBytes)}`);
    });
  examples(command, [
    'wakebus workspace get order/42 MEMORY.md',
    'wakebus workspace get order/42 state/costs.jsonl --to costs.jsonl',
  ]);
}

function addExport(workspace: Command, io: CliIo): void {
  const command = workspace
    .command('export <agent>')
    .description('all of its files, into a new archive here')
    .requiredOption('--to <file>', 'the archive, a .tar')
    .action(async (agent: string, { to = '' }: ToFlags, self: Command) => {
      const context = contextOf(self, io);
      const entries = await connected(context, async (session) => {
        const files = await filesOf(session, agent);
        await written(context, to, archiveOf(files));
        return files.manifest.entries.length;
      });
      context.output.data('archive', { to, entries }, () => `${oneLine(to)}: ${counted(entries, 'entry', 'entries')}`);
    });
  examples(command, ['wakebus workspace export order/42 --to order-42.tar', 'tar -tvf order-42.tar']);
}

/** @throws {WakebusError} `AGENT_NOT_FOUND`, `INVALID_OPTION` when it has no files; `CHUNK_MISSING`, `CHUNK_DAMAGED`, `WORKSPACE_DAMAGED`. */
async function filesOf(session: Session, agent: string): Promise<Files> {
  const { readChunk, readManifest } = await import('@wakebus/placement-node');
  const { portsOf } = await import('../census.ts');
  const ports = portsOf(session);
  const key = parseAddress(agent);
  const { bytes: stored } = await ports.agents.getFresh(key);
  if (stored === undefined) throw new WakebusError('AGENT_NOT_FOUND', { address: agent });
  const { workspace } = decodeRecord(key, stored);
  if (workspace === undefined) throw wrong('agent', `${oneLine(agent)} has no files`);
  const manifest = await readManifest(ports, key, workspace);
  return { manifest, fetch: keepingLast((chunk) => readChunk(ports, key, chunk)) };
}

/** Small files that stand side by side are in one chunk: it is fetched once for them. */
function keepingLast(fetch: Files['fetch']): Files['fetch'] {
  let last: { readonly chunk: string; readonly bytes: Uint8Array } | undefined;
  return async (chunk) => {
    if (last?.chunk !== chunk) last = { chunk, bytes: await fetch(chunk) };
    return last.bytes;
  };
}

async function* contentOf({ fetch, manifest }: Files, { parts }: FileEntry): AsyncGenerator<Uint8Array> {
  for (const { chunk, offset, length } of parts)
    yield (await fetch(manifest.chunks[chunk] as string)).subarray(offset, offset + length);
}

async function* archiveOf(files: Files): AsyncGenerator<Uint8Array> {
  for (const entry of files.manifest.entries) {
    yield tarHeader(entry);
    if (entry.kind !== 'file') continue;
    yield* contentOf(files, entry);
    yield tarPadding(entry.sizeBytes);
  }
  yield tarEnd();
}

/** Never over something that is there. */
async function written({ io }: CommandContext, to: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(Readable.from(content), createWriteStream(resolve(io.cwd, to), { flags: 'wx' }));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') throw wrong('to', `${oneLine(to)} is there already`);
    // A part of a file, or of an archive, would be taken for the whole.
    await rm(resolve(io.cwd, to), { force: true }).catch(() => {});
    throw thrown;
  }
}

function wrong(option: string, why: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option, why });
}

interface FileRow {
  readonly kind: WorkspaceEntry['kind'];
  readonly path: string;
  readonly mode?: string;
  readonly sizeBytes?: number;
  readonly target?: string;
  readonly sha256?: string;
}

const fileListing: Listing<FileRow> = { kind: 'entry', thing: 'file', table: asTable };

function rowOf(entry: WorkspaceEntry): FileRow {
  const { kind, path } = entry;
  if (kind === 'link') return { kind, path, target: entry.target };
  const mode = entry.mode.toString(8).padStart(4, '0');
  if (kind === 'folder') return { kind, path, mode };
  return { kind, path, mode, sizeBytes: entry.sizeBytes, sha256: Buffer.from(entry.hash).toString('hex') };
}

function asTable(rows: readonly FileRow[]): string {
  const cells = rows.map(({ kind, mode = '', path, sizeBytes, target }) => [
    mode,
    sizeBytes === undefined ? '–' : bytes(sizeBytes),
    oneLine(path) + (kind === 'folder' ? '/' : '') + (target === undefined ? '' : ` → ${oneLine(target)}`),
  ]);
  return table(['MODE', 'SIZE', 'PATH'], cells);
}
