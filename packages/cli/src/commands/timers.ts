/** `wakebus timers`: what agents have pending, delayed events and schedules alike. */
import type { Command } from 'commander';
import type { AgentTimer } from '@wakebus/client';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { at, oneLine, table } from '../human.ts';
import { showList } from '../listing.ts';
import type { Session } from '../session.ts';

interface ListFlags {
  readonly agent?: string;
  readonly type?: string;
}

export function addTimers(program: Command, io: CliIo): void {
  const timers = program.command('timers').description('what agents have pending: delayed events and schedules');
  addList(timers, io);
  addVerb(timers, io, 'fire', 'let a timer come now; of a schedule, its next occurrence');
  addVerb(timers, io, 'cancel', 'take a timer or a schedule back');
}

function addList(timers: Command, io: CliIo): void {
  const command = timers
    .command('list')
    .description('list timers by the time at which they are due')
    .option('-a, --agent <agent>', 'only of this agent')
    .option('-t, --type <type>', 'only of agents of this type')
    .action(async (flags: ListFlags, self: Command) => {
      const context = contextOf(self, io);
      await connected(context, (session) => list(context, session, flags));
    });
  examples(command, ['wakebus timers list --type order', 'wakebus timers list --agent order/42 --json']);
}

function addVerb(timers: Command, io: CliIo, verb: 'fire' | 'cancel', description: string): void {
  const command = timers
    .command(`${verb} <agent> <id>`)
    .description(description)
    .action(async (agent: string, id: string, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      await connected(context, ({ client }) => client.timers[verb](agent, id));
      context.output.message(`${id} of ${agent}: ${verb === 'fire' ? 'fired' : 'cancelled'}`);
    });
  examples(command, [`wakebus timers ${verb} order/42 remind`]);
}

async function list({ output }: CommandContext, { client }: Session, flags: ListFlags): Promise<void> {
  const rows: AgentTimer[] = [];
  for await (const row of client.timers.list(flags)) rows.push(row);
  rows.sort((a, b) => a.dueMs - b.dueMs);
  showList(output, { kind: 'timer', thing: 'timer', table: asTable }, rows);
}

function asTable(rows: readonly AgentTimer[], nowMs: number): string {
  const cells = rows.map(({ agent, id, event, dueMs, generation, leftMs, schedule }) => [
    oneLine(agent),
    oneLine(id),
    schedule === undefined ? 'timer' : 'schedule',
    event.type,
    leftMs === undefined ? at(dueMs, nowMs) : 'stands still',
    String(generation),
  ]);
  return table(['AGENT', 'ID', 'KIND', 'EVENT', 'DUE', 'GENERATION'], cells);
}
