/** `wakebus agents snapshot`, and `wakebus snapshots`: agents as they were, kept, looked at and compared. Wakes nobody. */
import type { Command } from 'commander';
import type { Change, SnapshotDetail, SnapshotReader, SnapshotSummary } from '@wakebus/client';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { type ActionFlags, actionFlags, confirm, reasonOf } from '../confirmation.ts';
import { bytes, count, counted, oneLine, since, table } from '../human.ts';
import { type Listing, showList } from '../listing.ts';
import { toText } from '../output.ts';
import type { Session } from '../session.ts';

interface TakeFlags extends ActionFlags {
  readonly label?: string;
}

/** `wakebus agents snapshot`. */
export function addTakeSnapshot(agents: Command, io: CliIo): void {
  const command = actionFlags(agents.command('snapshot <agent>'), false)
    .description('keep an agent as it is now; it is not woken')
    .option('-l, --label <text>', 'a name for people')
    .action(async (agent: string, flags: TakeFlags, self: Command) => {
      const { output, ...context } = contextOf(self, io);
      if (flags.dryRun === true) return output.message(`${oneLine(agent)} would be kept as it is`);
      const { label } = flags;
      const taken = await connected({ output, ...context }, ({ client }) =>
        client.snapshots.take(agent, { ...reasonOf(flags), ...(label !== undefined && { label }) }),
      );
      output.data('snapshot', taken, () => taken.id);
    });
  examples(command, [
    'wakebus agents snapshot order/42 --label "before the migration"',
    'id=$(wakebus agents snapshot order/42)',
  ]);
}

export function addSnapshots(program: Command, io: CliIo): void {
  const snapshots = program
    .command('snapshots')
    .description('look at kept snapshots of an agent; compare, remove them');
  addList(snapshots, io);
  addShow(snapshots, io);
  addDiff(snapshots, io);
  addRemove(snapshots, io);
}

function addList(snapshots: Command, io: CliIo): void {
  const command = snapshots
    .command('list <agent>')
    .description('what is kept of an agent, oldest first')
    .action(async (agent: string, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      const rows = await connected(context, ({ client }) => client.snapshots.list(agent));
      showList(context.output, snapshotListing, rows);
    });
  examples(command, ['wakebus snapshots list order/42', 'wakebus snapshots list order/42 --json | jq -r .id']);
}

function addShow(snapshots: Command, io: CliIo): void {
  const command = snapshots
    .command('show <agent> <snapshot>')
    .description('one snapshot, decoded')
    .action(async (agent: string, id: string, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      const found = await connected(context, async (session) =>
        session.client.snapshots.get(agent, id, await stateReader(session)),
      );
      context.output.data('snapshot', found, () => shown(found));
    });
  examples(command, ['wakebus snapshots show order/42 1-17']);
}

function addDiff(snapshots: Command, io: CliIo): void {
  const command = snapshots
    .command('diff <agent> <from> [to]')
    .description('what has changed in an agent since a snapshot, or until another one')
    .action(async (agent: string, from: string, to: string | undefined, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      const changes = await connected(context, async (session) =>
        session.client.snapshots.diff(agent, from, to, await stateReader(session)),
      );
      showList(context.output, changeListing, changes);
    });
  examples(command, ['wakebus snapshots diff order/42 1-17', 'wakebus snapshots diff order/42 1-17 1-20 --json']);
}

function addRemove(snapshots: Command, io: CliIo): void {
  const command = actionFlags(snapshots.command('remove <agent> <snapshot>'), true)
    .description('give a snapshot up for good')
    .action(async (agent: string, id: string, flags: ActionFlags, self: Command) => {
      const context = contextOf(self, io);
      if (flags.dryRun === true) return context.output.message(`${oneLine(id)} of ${oneLine(agent)} would be removed`);
      await confirm(context, flags, `Removing the snapshot ${oneLine(id)} of ${oneLine(agent)}`, id);
      await connected(context, ({ client }) => client.snapshots.remove(agent, id, reasonOf(flags)));
      if (context.output.json) context.output.data('action', { agent, snapshot: id, done: 'removed' }, () => '');
      else context.output.message(`${oneLine(id)} of ${oneLine(agent)} is removed`);
    });
  examples(command, ['wakebus snapshots remove order/42 1-17 --reason "not needed any more"']);
}

/** Reads states that outgrew their records. */
async function stateReader(session: Session): Promise<SnapshotReader> {
  const { readSnapshot } = await import('@wakebus/placement-node');
  const { portsOf } = await import('../census.ts');
  const ports = portsOf(session);
  return async (key, { chunks, snapshot }) => (chunks === undefined ? snapshot : readSnapshot(ports, key, chunks));
}

const snapshotListing: Listing<SnapshotSummary> = { kind: 'snapshot', thing: 'snapshot', table: asTable };
const changeListing: Listing<Change> = { kind: 'change', thing: 'change', table: asChanges };

function asTable(rows: readonly SnapshotSummary[], nowMs: number): string {
  const head = ['SNAPSHOT', 'WHY', 'LABEL', 'TURNS', 'STATE', 'KEPT', 'SIZE'];
  const cells = rows.map(({ id, cause, label, turns, state, atMs, sizeBytes }) => [
    id,
    cause,
    label === undefined ? '' : oneLine(label),
    count(turns),
    state === undefined ? '–' : oneLine(toText(state)),
    since(atMs, nowMs),
    bytes(sizeBytes),
  ]);
  return table(head, cells);
}

function asChanges(rows: readonly Change[]): string {
  return rows
    .map(({ at, before, after }) => {
      if (before === undefined) return `+ ${oneLine(at)} ${oneLine(toText(after))}`;
      if (after === undefined) return `- ${oneLine(at)} ${oneLine(toText(before))}`;
      return `~ ${oneLine(at)} ${oneLine(toText(before))} → ${oneLine(toText(after))}`;
    })
    .join('\n');
}

function shown({ agent, atMs, cause, id, label, by }: SnapshotDetail): string {
  const named = label === undefined ? '' : ` "${oneLine(label)}"`;
  return [
    `${id}${named}  ${cause}, ${since(atMs, Date.now())}${by === undefined ? '' : ` by ${oneLine(by)}`}`,
    `  lifecycle ${agent.lifecycle.name}`,
    `  state     ${toText(agent.state)}`,
    `  context   ${toText(agent.context).replaceAll('\n', '\n            ')}`,
    `  pending   ${counted(agent.timers.length, 'timer')}, ${counted(agent.journal.length, 'effect')}, ${counted(agent.outbox.length, 'message')} not sent yet`,
  ].join('\n');
}
