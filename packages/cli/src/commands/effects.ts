/** `wakebus effects`: what agents have under way in the world outside, and an operator's word where nobody knows. */
import { type Command, Option } from 'commander';
import type { AgentSummary } from '@wakebus/client';
import { type JournalEntry, WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { count, duration, since, table } from '../human.ts';
import { showList } from '../listing.ts';
import { parseJson } from '../payload.ts';
import type { Session } from '../session.ts';
import { addDisable, addEnable } from './effect-switches.ts';

const states = ['planned', 'started', 'maybe'] as const;
const outcomes = ['done', 'failed', 'retry'] as const;

interface ListFlags {
  readonly type?: string;
  readonly state?: (typeof states)[number];
}

interface Row extends JournalEntry {
  readonly agent: string;
}

export function addEffects(program: Command, io: CliIo): void {
  const effects = program
    .command('effects')
    .description('look at effects, resolve those that nobody knows about, keep others from starting');
  addList(effects, io);
  addResolve(effects, io);
  addDisable(effects, io);
  addEnable(effects, io);
}

function addList(effects: Command, io: CliIo): void {
  const command = effects
    .command('list')
    .description('list effects that are not over. One that is "maybe" waits for an operator')
    .option('-t, --type <type>', 'only of agents of this type')
    .addOption(new Option('--state <state>', 'only those that are so now').choices(states))
    .action(async (flags: ListFlags, self: Command) => {
      const context = contextOf(self, io);
      await connected(context, (session) => list(context, session, flags));
    });
  examples(command, ['wakebus effects list --state maybe', 'wakebus effects list --json | jq -r .key']);
}

function addResolve(effects: Command, io: CliIo): void {
  const command = effects
    .command('resolve <agent> <effect> <outcome> [json]')
    .description('say how an effect ended that is "maybe" (done, failed), or have it run again (retry)')
    .action(
      async (
        agent: string,
        effect: string,
        outcome: string,
        json: string | undefined,
        _flags: object,
        self: Command,
      ) => {
        const context = contextOf(self, io);
        await connected(context, (session) => resolve(session, { agent, effect, outcome, json }));
        context.output.message(`${effect} of ${agent}: ${outcome}`);
      },
    );
  examples(command, [
    `wakebus effects resolve order/42 charge done '{"receipt":"r-7"}'`,
    `wakebus effects resolve order/42 charge failed '"the bank knows nothing of it"'`,
    'wakebus effects resolve order/42 charge retry',
  ]);
}

async function list({ output }: CommandContext, { client }: Session, { type, state }: ListFlags): Promise<void> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.list({
      pageSize: 1_000,
      ...(type !== undefined && { type }),
      ...(cursor !== undefined && { cursor }),
    });
    rows.push(...page.agents.flatMap(rowsOf).filter((row) => state === undefined || row.state === state));
    ({ cursor } = page);
  } while (cursor !== undefined);
  showList(output, { kind: 'effect', thing: 'effect', table: asTable }, rows);
}

function rowsOf({ address, effects = [] }: AgentSummary): Row[] {
  return effects.map((entry) => ({ agent: address, ...entry }));
}

function asTable(rows: readonly Row[], nowMs: number): string {
  const head = ['AGENT', 'EFFECT', 'STATE', 'ATTEMPT', 'PLANNED', 'KEY', 'WHY'];
  const cells = rows.map((row) => {
    const { agent, id, src, attempt, plannedMs, key } = row;
    const name = id === src ? id : `${id} (${src})`;
    return [agent, name, stateText(row, nowMs), count(attempt), since(plannedMs, nowMs), key, whyText(row)];
  });
  return table(head, cells);
}

function stateText({ state, notBeforeMs = 0, parkedBy }: Row, nowMs: number): string {
  if (parkedBy === 'disabled') return `${state}, disabled`;
  return notBeforeMs > nowMs ? `${state}, in ${duration(notBeforeMs - nowMs)}` : state;
}

function whyText({ error, parkedBy, target }: Row): string {
  const last = error?.message ?? '';
  if (parkedBy === 'breaker') return `"${target}" fails too often. ${last}`;
  if (parkedBy === 'workspace') return `another effect works on the agent's files. ${last}`;
  if (parkedBy === 'budget') return `"${target}" has had too many repetitions. ${last}`;
  return parkedBy === 'disabled' ? `"${target}" or its type is disabled. ${last}` : last;
}

interface Resolution {
  readonly agent: string;
  readonly effect: string;
  readonly outcome: string;
  readonly json: string | undefined;
}

async function resolve({ client }: Session, { agent, effect, outcome, json }: Resolution): Promise<void> {
  const as = outcomes.find((known) => known === outcome);
  if (as === undefined)
    throw new WakebusError('INVALID_OPTION', { option: 'outcome', why: `write one of ${outcomes.join(', ')}` });
  const value = json === undefined ? undefined : parseJson(json);
  await client.agentAt(agent).resolveEffect(effect, as, value);
}
