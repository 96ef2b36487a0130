/** `wakebus audit list`: who did what, when and why; and which triggers were refused. */
import type { Command } from 'commander';
import { type AuditEntry, toJson } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { oneLine, readCount, since, table } from '../human.ts';
import { type Listing, showPages } from '../listing.ts';

interface ListFlags {
  readonly limit: string;
  readonly cursor?: string;
}

export function addAudit(program: Command, io: CliIo): void {
  const audit = program.command('audit').description('look at what operators did');
  const list = audit
    .command('list [target]')
    .description(
      'list what operators did, oldest first; of one agent, of a whole agent type, or refused by an endpoint',
    )
    .option('-n, --limit <count>', 'at most so many entries', '100')
    .option('--cursor <cursor>', 'go on where an earlier list ended')
    .action(async (target: string | undefined, flags: ListFlags, self: Command) => {
      const context = contextOf(self, io);
      const limit = readCount('--limit', flags.limit);
      await connected(context, ({ client }) =>
        showPages(context.output, auditListing, { limit, cursor: flags.cursor }, async (page) => {
          const { entries, cursor } = await client.audit({ ...(target !== undefined && { target }), ...page });
          return { rows: entries.map(({ v: _format, ...entry }) => entry), cursor };
        }),
      );
    });
  examples(list, [
    'wakebus audit list',
    'wakebus audit list hello/ada',
    'wakebus audit list /hooks/github',
    'wakebus audit list --json | jq .by',
  ]);
}

type Row = Omit<AuditEntry, 'v'>;

const auditListing: Listing<Row> = { kind: 'audit', thing: 'action', table: asTable, shown: withoutAnswered };

/** For people, an action whose outcome is there is one line. */
function withoutAnswered(rows: readonly Row[]): Row[] {
  const answered = new Set(rows.filter(({ outcome }) => outcome !== 'asked').map(({ id }) => id));
  return rows.filter(({ id, outcome }) => outcome !== 'asked' || !answered.has(id));
}

function asTable(rows: readonly Row[], nowMs: number): string {
  const head = ['WHEN', 'WHO', 'ACTION', 'TARGET', 'OUTCOME', 'REASON', 'FACTS'];
  const cells = rows.map(({ atMs, by, action, target, outcome, code, reason = '', facts = {} }) => [
    since(atMs, nowMs),
    oneLine(by),
    action,
    oneLine(target),
    code === undefined ? outcome : `${outcome} (${code})`,
    oneLine(reason),
    Object.keys(facts).length === 0 ? '' : toJson(facts),
  ]);
  return table(head, cells);
}
