/** `wakebus inspect`: everything about one agent, without waking it. */
import type { Command } from 'commander';
import type { AgentInspection, TaskState } from '@wakebus/client';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { bytes, count, counted, duration, oneLine, since } from '../human.ts';
import { toText } from '../output.ts';

/** Steps that lie behind an agent are shown up to this number; `--json` has all. */
const STEPS_SHOWN = 10;

export function addInspect(program: Command, io: CliIo): void {
  const command = program
    .command('inspect <agent>')
    .description('show an agent: lifecycle, state, context, timers, effects, outbox. Never wakes it')
    .action(async (agent: string, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      const [found, task] = await connected(context, ({ client }) =>
        Promise.all([client.inspect(agent), client.taskState(agent)]),
      );
      if (found === undefined) throw new WakebusError('AGENT_NOT_FOUND', { address: agent });
      context.output.data('agent', { ...found, task }, () => `${describe(found, Date.now())}\n${taskText(task)}`);
    });
  examples(command, ['wakebus inspect hello/ada', 'wakebus inspect issue/42 --json | jq .context']);
}

/** What is behind the agent, and before it. */
function taskText({ completedSteps = [], nextCandidates = [], failures = [] }: Partial<TaskState> = {}): string {
  const next = nextCandidates.map(({ event, targets, isGuarded }) => {
    const to = targets.length === 0 ? '' : ` → ${targets.join(', ')}`;
    return `${event}${to}${isGuarded ? ' (if its guard says so)' : ''}`;
  });
  const steps = completedSteps.slice(-STEPS_SHOWN).map(({ step }) => step);
  return [
    field(
      'done',
      steps.length === 0 ? 'nothing yet' : `${completedSteps.length > STEPS_SHOWN ? '… ' : ''}${steps.join(', ')}`,
    ),
    field('next', next.length === 0 ? 'nothing that is known' : next.join('; ')),
    ...failures.map(({ code, count: times }) => field('failures', `${code} ${counted(times, 'time')}`)),
  ].join('\n');
}

function describe(agent: AgentInspection, nowMs: number): string {
  const lines = [
    `${oneLine(agent.address)}  ${lifecycleText(agent, nowMs)}`,
    field('state', toText(agent.state)),
    field('context', toText(agent.context)),
    ...(agent.status === 'done' ? [field('output', toText(agent.output))] : []),
    field(
      'turns',
      `${count(agent.turns)}, the last ${since(agent.updatedMs, nowMs)}; born ${since(agent.bornMs, nowMs)}`,
    ),
    field('version', `machine ${agent.machineVersion}, incarnation ${agent.incarnation}`),
    field('cursor', `${agent.cursor}${agent.waiting === 0 ? '' : `, ${counted(agent.waiting, 'message')} waiting`}`),
    ...childLines(agent.children, ''),
    ...agent.timers.map((timer) => field('timer', timerText(timer, nowMs))),
    ...agent.journal.map((entry) => field('effect', effectText(entry, nowMs))),
    ...agent.outbox.map(({ to, event }) => field('outbox', `${event.type} to ${to}`)),
    ...agent.maybe.map(({ to, event }) => field('unsent', `${event.type} to ${to}, too old to be sent by itself`)),
    ...(agent.attempt === undefined ? [] : [field('failing', attemptText(agent.attempt, nowMs))]),
    ...(agent.held === undefined ? [] : [field('held', `messages up to ${agent.held.upTo} stand aside`)]),
    ...(agent.earlyCount === 0 ? [] : [field('early', `${agent.earlyCount} messages wait for one sent before them`)]),
    field('size', `${bytes(agent.sizes.recordBytes)}, of which the snapshot ${bytes(agent.sizes.snapshotBytes)}`),
  ];
  return lines.join('\n');
}

function lifecycleText({ lifecycle, lease }: AgentInspection, nowMs: number): string {
  const where = lease.live && lifecycle.name !== 'asleep' ? ` on ${lease.holder}` : '';
  const why = lifecycle.message === undefined ? '' : `: ${oneLine(lifecycle.message)} (${lifecycle.code})`;
  return `${lifecycle.name}${where}, since ${duration(Math.max(0, nowMs - lifecycle.sinceMs))}${why}`;
}

function attemptText(
  { count: tries, reason, retryMs }: NonNullable<AgentInspection['attempt']>,
  nowMs: number,
): string {
  return `${tries} times; next try ${dueText(retryMs, nowMs)}: ${reason}`;
}

function effectText(entry: AgentInspection['journal'][number], nowMs: number): string {
  const { actor, id, state, attempt, node, key, notBeforeMs, endedMs, error } = entry;
  const when =
    endedMs !== undefined
      ? ` ${since(endedMs, nowMs)}`
      : notBeforeMs !== undefined
        ? `, ${dueText(notBeforeMs, nowMs)}`
        : '';
  const where = state === 'started' ? ` on ${node}` : '';
  const why = error === undefined ? '' : `: ${error.message} (${error.code})`;
  return `${named(actor, id)} ${state}${where}${when}, ${counted(attempt, 'attempt')}, key ${key}${why}`;
}

/** What stands still in a sleep has no time at which it is due. */
function timerText({ actor, id, dueMs, leftMs }: AgentInspection['timers'][number], nowMs: number): string {
  const when = leftMs === undefined ? dueText(dueMs, nowMs) : `stands still with ${duration(leftMs)} left`;
  return `${named(actor, id)} ${when}`;
}

/** A child's timers and effects go under its name. */
function named(actor: string | undefined, id: string): string {
  return actor === undefined ? id : `${actor}/${id}`;
}

function childLines(children: AgentInspection['children'], parent: string): string[] {
  return Object.values(children ?? {}).flatMap((child) => {
    const state = child.state === undefined ? '' : `${toText(child.state)} `;
    const end = child.status === 'active' ? '' : `${child.status} `;
    const line = field('child', `${parent}${child.name} (${child.src}) ${end}${state}${toText(child.context)}`);
    return [line, ...childLines(child.children, `${parent}${child.name} › `)];
  });
}

function dueText(ms: number, nowMs: number): string {
  return ms > nowMs ? `in ${duration(ms - nowMs)}` : `due ${since(ms, nowMs)}`;
}

function field(name: string, text: string): string {
  return `  ${name.padEnd(8)} ${text.replaceAll('\n', '\n           ')}`;
}
