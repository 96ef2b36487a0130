/**
 * `wakebus dead`: messages that were given up and, with `--held`, those that stand aside for agents which
 * cannot run. Looking and choosing is here; what is done to them is in `dead-actions.ts`.
 */
import type { Command } from 'commander';
import type { ParkedDetail, ParkedSummary } from '@wakebus/client';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { type Filter, filterFlags, pick, readId, whatOf } from '../dead-filter.ts';
import { bytes, count, oneLine, readCount, since, table } from '../human.ts';
import { toText } from '../output.ts';
import { type Listing, showPages } from '../listing.ts';
import { addDiscard, addReplay } from './dead-actions.ts';

interface ListFlags extends Filter {
  readonly held?: boolean;
  readonly limit: string;
  readonly cursor?: string;
}

export function addDead(program: Command, io: CliIo): void {
  const dead = program
    .command('dead')
    .description('look at messages that were given up or, with --held, that stand aside; replay or discard them');
  addList(dead, io);
  addGet(dead, io);
  addReplay(dead, io);
  addDiscard(dead, io);
}

function addList(dead: Command, io: CliIo): void {
  const command = filterFlags(dead.command('list'))
    .description('list dead letters, oldest first')
    .option('--held', 'messages that wait, aside, for agents that are suspended, failed or quarantined')
    .option('-n, --limit <count>', 'at most so many', '100')
    .option('--cursor <cursor>', 'go on where an earlier list ended')
    .action(async (flags: ListFlags, self: Command) => {
      const context = contextOf(self, io);
      const limit = readCount('--limit', flags.limit);
      const listing = flags.held === true ? heldListing : letterListing;
      await connected(context, ({ client }) =>
        showPages(context.output, listing, { limit, cursor: flags.cursor }, async (page) => {
          const place = flags.held === true ? client.held : client.deadLetters;
          const { messages: rows, cursor } = await place.list({ ...pick(flags), ...page });
          return { rows, cursor };
        }),
      );
    });
  examples(command, [
    'wakebus dead list',
    'wakebus dead list --type order --code DEAD_LETTERED',
    'wakebus dead list --held --agent order/42 --json',
  ]);
}

function addGet(dead: Command, io: CliIo): void {
  const command = dead
    .command('get <id>')
    .description('show one with its payload and headers')
    .option('--held', 'one that stands aside')
    .action(async (id: string, { held }: { readonly held?: boolean }, self: Command) => {
      const context = contextOf(self, io);
      const found = await connected(context, ({ client }) =>
        (held === true ? client.held : client.deadLetters).get(readId(id)),
      );
      context.output.data(held === true ? 'held-message' : 'dead-letter', found, () => describe(found, Date.now()));
    });
  examples(command, ['wakebus dead get 17', 'wakebus dead get 17 --json | jq .payload']);
}

const letterListing: Listing<ParkedSummary> = { kind: 'dead-letter', thing: 'dead letter', table: asTable };
const heldListing: Listing<ParkedSummary> = { kind: 'held-message', thing: 'held message', table: asTable };

function asTable(rows: readonly ParkedSummary[], nowMs: number): string {
  const head = ['ID', 'AGENT', 'WHAT', 'CODE', 'TRIES', 'WHEN', 'SIZE', 'WHY'];
  const cells = rows.map((row) => [
    String(row.id),
    oneLine(row.address),
    whatOf(row),
    row.code,
    count(row.attempts),
    since(row.atMs, nowMs),
    bytes(row.sizeBytes),
    oneLine(row.message).slice(0, 80),
  ]);
  return table(head, cells);
}

function describe(found: ParkedDetail, nowMs: number): string {
  const lines = [
    `${found.id}  ${oneLine(found.address)}  ${whatOf(found)}`,
    `  why      ${oneLine(found.message)} (${found.code})`,
    `  tries    ${count(found.attempts)}; put here ${since(found.atMs, nowMs)}; message ${found.seq} of the inbox`,
    ...Object.entries(found.headers).map(([name, value]) => `  header   ${name}: ${oneLine(value)}`),
    `  payload  ${toText(found.payload).replaceAll('\n', '\n           ')}`,
  ];
  return lines.join('\n');
}
