/** `wakebus schedules`: events that agents get by the clock. */
import { type Command, Option } from 'commander';
import type { AgentSchedule } from '@wakebus/client';
import { type Schedule, encodeEventName } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { at, oneLine, readDurationFlag, readTime, table } from '../human.ts';
import { showList } from '../listing.ts';
import { readPayload } from '../payload.ts';
import type { Session } from '../session.ts';

interface AddFlags {
  readonly cron?: string;
  readonly tz?: string;
  readonly every?: string;
  readonly from?: string;
  readonly at?: string;
  readonly missed?: string;
  readonly missedMost?: string;
  readonly overlap?: string;
  readonly jitter?: string;
  readonly grace?: string;
}

interface ListFlags {
  readonly agent?: string;
  readonly type?: string;
}

export function addSchedules(program: Command, io: CliIo): void {
  const schedules = program.command('schedules').description('events that agents get by the clock');
  addAdd(schedules, io);
  addList(schedules, io);
  addRemove(schedules, io);
}

function addAdd(schedules: Command, io: CliIo): void {
  const command = schedules
    .command('add <agent> <id> <event> [payload]')
    .description('make a schedule, or replace the one of that ID. <type>/* is every agent of a type')
    .option('--cron <expression>', 'five fields, or six with seconds: "0 30 3 * * MON-FRI"')
    .option('--tz <zone>', 'IANA time zone of --cron; UTC without')
    .option('--every <time>', 'interval: 10s, 5min, 2h')
    .option('--from <time>', 'first occurrence of --every')
    .option('--at <time>', 'once: 2027-01-31T09:00:00Z, or milliseconds since 1970')
    .addOption(
      new Option('--missed <how>', 'what was missed while everything was down').choices(['skip', 'once', 'all']),
    )
    .option('--missed-most <n>', 'with --missed all: only the latest so many')
    .addOption(
      new Option('--overlap <how>', 'while the one before still runs').choices(['skip', 'queue', 'cancel-running']),
    )
    .option('--jitter <time>', 'each agent comes up to so much later')
    .option('--grace <time>', 'taken later than this, an occurrence is missed')
    .action(
      async (agent: string, id: string, event: string, payload: string | undefined, flags: AddFlags, self: Command) => {
        const context = contextOf(self, io);
        encodeEventName(event);
        const schedule = readSchedule({ ...(await readPayload(payload, io)), type: event }, flags);
        await connected(context, (session) => add(context, session, agent, id, schedule));
      },
    );
  examples(command, [
    `wakebus schedules add report/weekly monday run --cron '0 0 9 * * MON' --tz Europe/Berlin --missed once`,
    `wakebus schedules add 'mailbox/*' poll poll --every 5min --missed skip --jitter 5min`,
    'wakebus schedules add order/42 remind remind --at 2027-01-31T09:00:00Z',
  ]);
}

function addList(schedules: Command, io: CliIo): void {
  const command = schedules
    .command('list')
    .description('list schedules, and when they come next')
    .option('-a, --agent <agent>', 'only of this agent')
    .option('-t, --type <type>', 'only of agents of this type')
    .action(async (flags: ListFlags, self: Command) => {
      const context = contextOf(self, io);
      await connected(context, (session) => list(context, session, flags));
    });
  examples(command, ['wakebus schedules list', 'wakebus schedules list --type report --json']);
}

function addRemove(schedules: Command, io: CliIo): void {
  const command = schedules
    .command('remove <agent> <id>')
    .description('end a schedule')
    .action(async (agent: string, id: string, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      await connected(context, ({ client }) => client.schedules.remove(agent, id));
      context.output.message(`${id} of ${agent}: removed`);
    });
  examples(command, ['wakebus schedules remove report/weekly monday']);
}

/** What is wrong with the values is said by whoever takes them; here only how they are written. */
function readSchedule(event: Schedule['event'], flags: AddFlags): Schedule {
  const { cron, tz, every, from, at: once, missed, missedMost, overlap, jitter, grace } = flags;
  const given = {
    event,
    cron,
    timeZone: tz,
    everyMs: readDurationFlag('--every', every),
    fromMs: readTime('--from', from),
    atMs: readTime('--at', once),
    missed,
    missedMost: missedMost === undefined ? undefined : Number(missedMost),
    overlap,
    jitterMs: readDurationFlag('--jitter', jitter),
    graceMs: readDurationFlag('--grace', grace),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as unknown as Schedule;
}

async function add(
  { output }: CommandContext,
  { client }: Session,
  agent: string,
  id: string,
  schedule: Schedule,
): Promise<void> {
  const { nextMs } = await client.schedules.add(agent, id, schedule);
  output.data('schedule', { agent, id, nextMs }, () => new Date(nextMs).toISOString());
  if (!output.json) output.message(`${id} of ${agent} comes ${at(nextMs, Date.now())}`);
}

async function list({ output }: CommandContext, { client }: Session, flags: ListFlags): Promise<void> {
  const rows: AgentSchedule[] = [];
  for await (const row of client.schedules.list(flags)) rows.push(row);
  showList(output, { kind: 'schedule', thing: 'schedule', table: asTable }, rows);
}

function asTable(rows: readonly AgentSchedule[], nowMs: number): string {
  const head = ['AGENT', 'ID', 'WHEN', 'EVENT', 'NEXT', 'MISSED', 'OVERLAP', 'LEFT OUT', 'WAITING'];
  const cells = rows.map(({ agent, id, spec, event, nextMs, left, queued }) => [
    oneLine(agent),
    oneLine(id),
    whenOf(spec),
    event.type,
    at(nextMs, nowMs),
    spec.missed,
    spec.overlap,
    String(left),
    String(queued),
  ]);
  return table(head, cells);
}

function whenOf({ cron, timeZone, everyMs, atMs }: AgentSchedule['spec']): string {
  if (cron !== undefined) return `${cron} ${timeZone}`;
  return everyMs === undefined ? `at ${new Date(atMs ?? 0).toISOString()}` : `every ${everyMs / 1_000} s`;
}
