/** `wakebus agents`; its `list`: agents page by page, those that changed least recently first. */
import { type Command, Option } from 'commander';
import type { AgentSummary, ListOptions } from '@wakebus/client';
import { toJson } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { bytes, count, duration, oneLine, readCount, since, table } from '../human.ts';
import { type Listing, showPages } from '../listing.ts';
import { addAgentActions } from './agent-actions.ts';
import { addFork, addRestore } from './restore.ts';
import { addTakeSnapshot } from './snapshots.ts';
import { addTypeSwitches } from './type-switches.ts';

const lifecycles = [
  'asleep',
  'awake',
  'paused',
  'backoff',
  'failed',
  'suspended',
  'completed',
  'quarantined',
  'removed',
] as const;

interface ListFlags extends Pick<ListOptions, 'type' | 'lifecycle' | 'cursor'> {
  readonly limit: string;
}

export function addAgents(program: Command, io: CliIo): void {
  const agents = program.command('agents').description('look at agents; suspend, resume, recover or remove them');
  addAgentActions(agents, io);
  addTakeSnapshot(agents, io);
  addRestore(agents, io);
  addFork(agents, io);
  addTypeSwitches(agents, io);
  const list = agents
    .command('list')
    .description('list agents, those that changed least recently first. Never wakes one')
    .option('-t, --type <type>', 'only agents of this type')
    .addOption(new Option('-l, --lifecycle <name>', 'only agents that are so now').choices(lifecycles))
    .option('-n, --limit <count>', 'at most so many', '100')
    .option('--cursor <cursor>', 'go on where an earlier list ended')
    .action(async (flags: ListFlags, self: Command) => {
      const context = contextOf(self, io);
      const limit = readCount('--limit', flags.limit);
      await connected(context, ({ client }) =>
        showPages(context.output, agentListing, { limit, cursor: flags.cursor }, async (page) => {
          const { agents: rows, cursor } = await client.list({ ...pick(flags), ...page });
          return { rows, cursor };
        }),
      );
    });
  examples(list, [
    'wakebus agents list',
    'wakebus agents list --type issue --lifecycle quarantined',
    'wakebus agents list --limit 1000000 --json | jq -r .address',
  ]);
}

const agentListing: Listing<AgentSummary> = { kind: 'agent', thing: 'agent', table: asTable };

function pick({ type, lifecycle }: ListFlags): ListOptions {
  return { ...(type !== undefined && { type }), ...(lifecycle !== undefined && { lifecycle }) };
}

function asTable(rows: readonly AgentSummary[], nowMs: number): string {
  const head = ['AGENT', 'LIFECYCLE', 'STATE', 'TURNS', 'CHANGED', 'NEXT WAKE', 'SIZE'];
  const cells = rows.map(({ address, lifecycle, state, turns, updatedMs, nextWakeMs, sizeBytes }) => [
    oneLine(address),
    lifecycle.code === undefined ? lifecycle.name : `${lifecycle.name} (${lifecycle.code})`,
    typeof state === 'string' ? state : state === undefined ? '–' : toJson(state),
    count(turns),
    since(updatedMs, nowMs),
    nextWakeMs === undefined ? 'on message' : nextWakeMs > nowMs ? `in ${duration(nextWakeMs - nowMs)}` : 'due',
    bytes(sizeBytes),
  ]);
  return table(head, cells);
}
