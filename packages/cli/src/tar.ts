/**
 * Archives as `tar` reads them: POSIX's form, with names that do not fit in a record of their own.
 *
 * @see IEEE Std 1003.1, "pax – portable archive interchange".
 */
import type { WorkspaceEntry } from '@wakebus/placement-node';

const BLOCK = 512;
/** What a header has room for, in bytes. */
const NAME_BYTES = 100;
/** The length of a file that a header has digits for: 8 GB. */
const MOST_BYTES = 0o77777777777;
const TYPES = { file: '0', link: '2', folder: '5' } as const;
const DEFAULT_MODES = { file: 0o644, link: 0o777, folder: 0o755 } as const;

/** What stands before the bytes of an entry. The same entries give the same archive: an entry without a time has 1970's. */
export function tarHeader(entry: WorkspaceEntry): Uint8Array {
  const name = entry.kind === 'folder' ? `${entry.path}/` : entry.path;
  const target = entry.kind === 'link' ? entry.target : '';
  const sizeBytes = entry.kind === 'file' ? entry.sizeBytes : 0;
  const records = [
    ...(isPlain(name) ? [] : [paxRecord('path', name)]),
    ...(isPlain(target) ? [] : [paxRecord('linkpath', target)]),
    ...(sizeBytes <= MOST_BYTES ? [] : [paxRecord('size', String(sizeBytes))]),
  ];
  const mode = entry.kind === 'link' ? DEFAULT_MODES.link : entry.mode;
  const seconds = Math.max(0, Math.floor(((entry.kind === 'file' && entry.mtimeMs) || 0) / 1_000));
  const header = block({
    name,
    target,
    mode,
    seconds,
    sizeBytes: Math.min(sizeBytes, MOST_BYTES),
    type: TYPES[entry.kind],
  });
  if (records.length === 0) return header;
  const extended = Buffer.from(records.join(''));
  const before = block({ name: 'pax', target: '', mode: 0o644, seconds: 0, sizeBytes: extended.length, type: 'x' });
  return Buffer.concat([before, extended, tarPadding(extended.length), header]);
}

/** What stands behind so many bytes of a file. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((BLOCK - (sizeBytes % BLOCK)) % BLOCK);
}

/** What stands at the end. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK);
}

interface Header {
  readonly name: string;
  readonly target: string;
  readonly mode: number;
  readonly seconds: number;
  readonly sizeBytes: number;
  readonly type: string;
}

function block({ name, target, mode, seconds, sizeBytes, type }: Header): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number): void =>
    void header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  Buffer.from(name).copy(header, 0, 0, NAME_BYTES);
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(sizeBytes, 124, 11);
  octal(seconds, 136, 11);
  header.write(`        ${type}`, 148, 'latin1');
  Buffer.from(target).copy(header, 157, 0, NAME_BYTES);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** Its length counts itself. */
function paxRecord(field: string, value: string): string {
  const rest = ` ${field}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (length !== Buffer.byteLength(rest) + String(length).length)
    length = Buffer.byteLength(rest) + String(length).length;
  return `${length}${rest}`;
}

function isPlain(text: string): boolean {
  return text.length <= NAME_BYTES && /^[\x20-\x7e]*$/.test(text);
}
