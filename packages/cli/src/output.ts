/**
 * Data on stdout, messages on stderr; with `--json` every piece of data, and every error, is one line
 * of JSON under a version.
 */
import { inspect, styleText } from 'node:util';
import { isWakebusError, toJson } from '@wakebus/protocol';
import type { CliIo } from './cli-io.ts';

/** Version of the JSON lines. A change that removes or renames a field raises it. */
const JSON_VERSION = 1;

type Style = Parameters<typeof styleText>[0];

/** Where a command writes. */
export class Output {
  readonly json: boolean;
  readonly #io: CliIo;
  readonly #isColoured: boolean;

  constructor(io: CliIo, json: boolean) {
    this.json = json;
    this.#io = io;
    this.#isColoured = io.isTerminal && !io.env['NO_COLOR'];
  }

  /** One piece of data: its kind and fields with `--json`, its text for people otherwise. */
  data(kind: string, fields: object, text: () => string): void {
    this.#io.out(this.json ? line({ v: JSON_VERSION, kind, ...fields }) : `${text()}\n`);
  }

  /** Something for the person at the terminal. */
  message(text: string): void {
    this.#io.err(`${text}\n`);
  }

  /** What went wrong, and what to do. */
  error(thrown: unknown): void {
    if (this.json) {
      const facts = isWakebusError(thrown) ? thrown.toJSON() : { code: 'INTERNAL', message: textOf(thrown) };
      this.#io.err(line({ v: JSON_VERSION, kind: 'error', ...facts }));
    } else {
      const code = isWakebusError(thrown) ? ` ${this.paint('dim', `(${thrown.code})`)}` : '';
      this.#io.err(`${this.paint('red', 'error:')} ${textOf(thrown)}${code}\n`);
    }
  }

  /** Text in colour where messages go to a terminal that wants it. */
  paint(style: Style, text: string): string {
    return this.#isColoured ? styleText(style, text, { validateStream: false }) : text;
  }
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function line(fields: object): string {
  return `${toJson(fields)}\n`;
}

/** A value on as few lines as are readable, for people. */
export function toText(value: unknown): string {
  return inspect(value, { depth: 8, breakLength: 100, maxArrayLength: 50, maxStringLength: 2_000 });
}
