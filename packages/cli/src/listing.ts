/** Lists: with `--json` a line a row; for people one table, and how many rows there are. */
import { counted } from './human.ts';
import type { Output } from './output.ts';

/** How rows of one kind are shown. */
export interface Listing<T> {
  /** What a line of JSON is. */
  readonly kind: string;
  /** The same, for people: "dead letter". */
  readonly thing: string;
  readonly table: (rows: readonly T[], nowMs: number) => string;
  /** The rows that people see. @default all */
  readonly shown?: (rows: readonly T[]) => readonly T[];
}

/** How many rows are wanted, and where they begin. */
export interface Span {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** A part of a list; with a cursor there are more. */
export interface Page<T> {
  readonly rows: readonly T[];
  readonly cursor: string | undefined;
}

/** Most rows that are asked for at once. */
const PAGE_SIZE = 1_000;

/** Shows rows that are all there. */
export function showList<T extends object>(output: Output, listing: Listing<T>, rows: readonly T[]): void {
  if (output.json) showLines(output, listing, rows);
  else showTable(output, listing, { rows, cursor: undefined });
}

/** Shows rows as they are read. Lines of JSON come page by page; a table needs all rows for its widths. */
export async function showPages<T extends object>(
  output: Output,
  listing: Listing<T>,
  { limit, cursor: start }: Span,
  read: (page: { readonly pageSize: number; readonly cursor?: string }) => Promise<Page<T>>,
): Promise<void> {
  const rows: T[] = [];
  let cursor = start;
  do {
    const pageSize = Math.min(PAGE_SIZE, limit - rows.length);
    const page = await read({ pageSize, ...(cursor !== undefined && { cursor }) });
    rows.push(...page.rows);
    if (output.json) showLines(output, listing, page.rows);
    ({ cursor } = page);
  } while (cursor !== undefined && rows.length < limit);
  if (!output.json) showTable(output, listing, { rows, cursor });
}

function showLines<T extends object>(output: Output, { kind }: Listing<T>, rows: readonly T[]): void {
  for (const row of rows) output.data(kind, row, () => '');
}

function showTable<T>(output: Output, { kind, thing, table, shown = (all) => all }: Listing<T>, page: Page<T>): void {
  const rows = shown(page.rows);
  if (rows.length > 0) output.data(kind, {}, () => table(rows, Date.now()));
  const more = page.cursor === undefined ? '' : `; more with --cursor ${page.cursor}`;
  output.message(`${counted(rows.length, thing)}${more}`);
}
