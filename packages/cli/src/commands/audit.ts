/** `wakebus audit list`: who did what, when and why. */
import type { Command } from 'commander';
import { type AuditEntry, toJson } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { counted, oneLine, readCount, since, table } from '../human.ts';
import type { Session } from '../session.ts';

interface ListFlags {
  readonly limit: string;
  readonly cursor?: string;
}

export function addAudit(program: Command, io: CliIo): void {
  const audit = program.command('audit').description('look at what operators did');
  const list = audit
    .command('list [target]')
    .description('list what operators did, oldest first; of one agent, or of a whole agent type')
    .option('-n, --limit <count>', 'at most so many entries', '100')
    .option('--cursor <cursor>', 'go on where an earlier list ended')
    .action(async (target: string | undefined, flags: ListFlags, self: Command) => {
      const context = contextOf(self, io);
      const limit = readCount('--limit', flags.limit);
      await connected(context, (session) => run(context, session, { target, limit, cursor: flags.cursor }));
    });
  examples(list, ['wakebus audit list', 'wakebus audit list hello/ada', 'wakebus audit list --json | jq .by']);
}

interface Request {
  readonly target: string | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
}

async function run(
  { output }: CommandContext,
  { client }: Session,
  { target, limit, ...start }: Request,
): Promise<void> {
  const rows: AuditEntry[] = [];
  let { cursor } = start;
  do {
    const pageSize = Math.min(1_000, limit - rows.length);
    const page = await client.audit({
      pageSize,
      ...(target !== undefined && { target }),
      ...(cursor !== undefined && { cursor }),
    });
    rows.push(...page.entries);
    if (output.json) for (const { v: _format, ...entry } of page.entries) output.data('audit', entry, () => '');
    ({ cursor } = page);
  } while (cursor !== undefined && rows.length < limit);
  if (output.json) return;
  const shown = withoutAnswered(rows);
  if (shown.length > 0) output.data('audit', {}, () => asTable(shown, Date.now()));
  const more = cursor === undefined ? '' : `; more with --cursor ${cursor}`;
  output.message(`${counted(shown.length, 'action')}${more}`);
}

/** For people, an action whose outcome is there is one line. */
function withoutAnswered(rows: readonly AuditEntry[]): AuditEntry[] {
  const answered = new Set(rows.filter(({ outcome }) => outcome !== 'asked').map(({ id }) => id));
  return rows.filter(({ id, outcome }) => outcome !== 'asked' || !answered.has(id));
}

function asTable(rows: readonly AuditEntry[], nowMs: number): string {
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
