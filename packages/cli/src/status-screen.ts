/** What a deployment is doing, on one screen. */
import type { AgentCensus } from '@wakebus/client';
import { disabledAgents } from '@wakebus/placement-node';
import { inboxFills, pendingByType, portsOf } from './census.ts';
import type { CommandContext } from './command-context.ts';
import { count, counted, oneLine, since } from './human.ts';
import type { Session } from './session.ts';

/** Agents counted unless all are asked for: some seconds of reading. */
export const COUNTED = 100_000;

/** Shows the status. @param limit - Agents to count at most. */
export async function showStatus({ output }: CommandContext, session: Session, limit: number): Promise<void> {
  const ports = portsOf(session);
  const [agents, disabled, nodes, pending, inboxes] = await Promise.all([
    session.client.census({ limit }),
    disabledAgents(ports),
    session.client.nodes(),
    pendingByType(session),
    inboxFills(ports),
  ]);
  const { prefix, partitions, shards } = session.client.layout;
  const fields = {
    deployment: { prefix, partitions, shards },
    agents: agents.byLifecycle,
    complete: !agents.isCut,
    nodes,
    disabled: disabled.map(({ v: _format, ...each }) => each),
    pending: Object.fromEntries(pending),
    inboxes,
  };
  output.data('status', fields, () =>
    [
      sentence(agents),
      ...nodes.map(
        (node) =>
          `  node ${node.nodeId}  ${node.state}, pool ${node.pool}, ${typesText(node.types)}, since ${since(node.startedMs, Date.now())}`,
      ),
      ...(nodes.length === 0 ? ['  no placement node is running: messages wait'] : []),
      ...disabled.map(({ type, reason, atMs }) => `  disabled ${type}  ${since(atMs, Date.now())}: ${oneLine(reason)}`),
      ...[...pending].map(
        ([type, waits]) =>
          `  pending ${type}  ${counted(waits.messages, 'message')} for ${counted(waits.agents, 'agent')}`,
      ),
      ...inboxes.map(
        ({ stream, fill, messages }) =>
          `  ${stream}  ${counted(messages, 'message')}, ${(fill * 100).toFixed(1)} % full`,
      ),
    ].join('\n'),
  );
}

/** "1,204,331 asleep · 12 awake · 3 need you". */
function sentence({ byLifecycle, isCut }: AgentCensus): string {
  const { failed = 0, suspended = 0, quarantined = 0, ...others } = byLifecycle;
  const needing = failed + suspended + quarantined;
  const parts = Object.entries({ asleep: 0, awake: 0, ...others }).map(([name, n]) => `${count(n)} ${name}`);
  return `${parts.join(' · ')}${needing > 0 ? ` · ${count(needing)} need you (wakebus doctor)` : ''}${isCut ? ` · of the first ${count(COUNTED)}; all with --all` : ''}`;
}

function typesText(types: Readonly<Record<string, number>>): string {
  return Object.entries(types)
    .map(([type, version]) => `${type} v${version}`)
    .join(', ');
}
