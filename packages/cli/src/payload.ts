/** The payload of `send`, as it is written on a command line: JSON, `-` for standard input, `@file`. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from './cli-io.ts';

/**
 * Reads a payload into an event's fields.
 *
 * @throws {WakebusError} `INVALID_PAYLOAD` when it is not a JSON object, or cannot be read.
 */
export async function readPayload(argument: string | undefined, io: CliIo): Promise<object> {
  if (argument === undefined) return {};
  const text = await textOf(argument, io);
  if (text.trim() === '') return {};
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new WakebusError('INVALID_PAYLOAD', {
    why: `it is ${JSON.stringify(value).slice(0, 40)}; write a JSON object, whose fields become the event's`,
  });
}

async function textOf(argument: string, io: CliIo): Promise<string> {
  if (argument === '-') return io.readInput();
  if (!argument.startsWith('@')) return argument;
  const path = resolve(io.cwd, argument.slice(1));
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WakebusError(
      'INVALID_PAYLOAD',
      { why: `the file ${path} cannot be read (${(cause as NodeJS.ErrnoException).code})` },
      { cause },
    );
  }
}

/** Reads JSON as it is written on a command line. @throws {WakebusError} `INVALID_PAYLOAD`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WakebusError('INVALID_PAYLOAD', { why: `it is not JSON: ${(cause as Error).message}` }, { cause });
  }
}
