/** What may be wrong with a deployment, and how it is mended. */
import type { AgentSummary, LivingNode } from '@wakebus/client';
import { type Ports, checkDeployment, disabledAgents, disabledEffects } from '@wakebus/placement-node';
import { OUTSIDE_FILL_LIMIT } from '@wakebus/protocol';
import { lookAtSources } from '@wakebus/sources';
import { consumerNames, inboxFills, pendingByType, portsOf, registeredTypes } from './census.ts';
import { type CommandContext, connected } from './command-context.ts';
import { enabling, nameOf } from './commands/effect-switches.ts';
import { counted, oneLine, since } from './human.ts';
import type { Session } from './session.ts';

/** One thing to mend. The message says how. */
export interface Problem {
  readonly code: string;
  readonly message: string;
}

/** Agents looked at: a full count of millions is the console's business. */
const LOOKED_AT = 1_000_000;
/** A source may take so long to begin, in milliseconds. */
const STARTING_MS = 30_000;

/**
 * Looks at everything that can be looked at from outside.
 *
 * @throws {WakebusError} what keeps it from looking: `NOT_CONNECTED`, `JETSTREAM_DISABLED`, `STREAM_MISSING`.
 */
export function findProblems(context: CommandContext): Promise<Problem[]> {
  return connected(context, async (session) => {
    const misfits = await checkDeployment(session.connection, session.client.layout);
    const found: Problem[] = misfits.map(({ code, message }) => ({ code, message }));
    if (found.some(({ code }) => code === 'STREAM_MISSING')) return found;
    const ports = portsOf(session);
    const nodes = await session.client.nodes();
    found.push(...(await consumerProblems(session, nodes)));
    found.push(...(await unservedProblems(session, nodes)));
    found.push(...(await agentProblems(session)));
    found.push(...(await fillProblems(ports)));
    found.push(...(await disabledProblems(ports)));
    found.push(...(await sourceProblems(session)));
    return found;
  });
}

/** Placement nodes make their consumers anew within a minute; one that stays away was deleted behind their back, or refused. */
async function consumerProblems(session: Session, nodes: readonly LivingNode[]): Promise<Problem[]> {
  const { layout } = session.client;
  const present = await consumerNames(session);
  return [...new Set(nodes.map(({ pool }) => pool))].flatMap((pool) => {
    const missing = Array.from({ length: layout.partitions }, (_, p) => p).filter(
      (p) => !present.has(layout.consumerName(pool, p)),
    );
    if (missing.length === 0) return [];
    const message = `The pool "${pool}" has no consumer for ${counted(missing.length, 'partition')} (${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}): agents there get no messages. Restart its placement nodes.`;
    return [{ code: 'CONSUMER_MISSING', message }];
  });
}

/** Messages for which nobody lives who could take them. */
async function unservedProblems(session: Session, nodes: readonly LivingNode[]): Promise<Problem[]> {
  const [pending, ports] = [await pendingByType(session), portsOf(session)];
  const registered = new Map((await registeredTypes(ports)).map((entry) => [entry.type, entry]));
  const served = new Set(nodes.flatMap(({ types }) => Object.keys(types)));
  return [...pending]
    .filter(([type]) => !served.has(type))
    .map(([type, { messages, agents }]) => {
      const known = registered.get(type);
      const mend =
        known === undefined
          ? `no placement node has ever run "${type}": start one, or correct the sender`
          : `start a placement node with "${type}" in the pool "${known.pool}"`;
      return {
        code: 'TYPE_UNSERVED',
        message: `${counted(messages, 'message')} for ${counted(agents, 'agent')} of type "${type}" ${messages === 1 ? 'waits' : 'wait'}, and no living placement node runs it: ${mend}.`,
      };
    });
}

async function agentProblems({ client }: Session): Promise<Problem[]> {
  const { needing, overdue, unsure } = await client.census({ limit: LOOKED_AT });
  return [
    ...needing.map((agent) => ({ code: `AGENT_${agent.lifecycle.name.toUpperCase()}`, message: needingText(agent) })),
    ...unsure.map(({ address, effects = [] }) => ({
      code: 'EFFECT_MAYBE',
      message: unsureText(address, effects),
    })),
    ...overdue.map(({ address }) => ({
      code: 'TIMER_OVERDUE',
      message: `${oneLine(address)} has a timer that should have fired over a minute ago: is a placement node of its type running, and the clock right?`,
    })),
  ];
}

function unsureText(address: string, effects: NonNullable<AgentSummary['effects']>): string {
  const unknown = effects.filter(({ state }) => state === 'maybe');
  const named = unknown.map(({ id, key }) => `"${id}" (key ${key})`).join(', ');
  const [first] = unknown;
  return `${oneLine(address)} waits for an operator: nobody knows whether ${named} happened. Ask the receiver, then: wakebus effects resolve ${oneLine(address)} ${first?.id} done|failed|retry`;
}

/** What is done about an agent once somebody has looked. */
const mends: Readonly<Record<string, (address: string) => string>> = {
  suspended: (address) => `Its messages wait. Mend the cause, then: wakebus agents resume ${address}`,
  failed: (address) => `Its messages wait. Mend the cause, then: wakebus agents recover ${address}`,
  quarantined: (address) =>
    `Decide what its state is worth: wakebus agents recover ${address} --keep|--anew, or remove`,
};

function needingText({ address: given, lifecycle }: AgentSummary): string {
  const address = oneLine(given);
  const why = lifecycle.message === undefined ? '' : ` ${oneLine(lifecycle.message)}`;
  const mend = mends[lifecycle.name]?.(address) ?? '';
  return `${address} is ${lifecycle.name}.${why} Look: wakebus inspect ${address}. ${mend}`;
}

/** Chosen, and easily forgotten. */
async function disabledProblems(ports: Ports): Promise<Problem[]> {
  const [effects, types] = await Promise.all([disabledEffects(ports), disabledAgents(ports)]);
  return [
    ...types.map(({ type, reason, atMs }) => ({
      code: 'AGENTS_DISABLED',
      message: `The agents of type "${type}" are disabled since ${since(atMs, Date.now())}: ${oneLine(reason)}. Their messages wait in the inbox; let them run: wakebus agents enable ${type}`,
    })),
    ...effects.map(({ scope, reason, atMs }) => ({
      code: 'EFFECTS_DISABLED',
      message: `The ${nameOf(scope)} are disabled since ${since(atMs, Date.now())}: ${oneLine(reason)}. What is due waits; let it go on: ${enabling(scope)}`,
    })),
  ];
}

/** Sources of processes that live. One that has just begun is given a while. */
async function sourceProblems({ connection, client }: Session): Promise<Problem[]> {
  const nowMs = Date.now();
  const seen = await lookAtSources(connection, client.layout.prefix);
  const down = seen.filter(
    ({ isHealthy, state, restarts, sinceMs }) =>
      !isHealthy && state !== 'stopped' && (state !== 'starting' || restarts > 0 || sinceMs < nowMs - STARTING_MS),
  );
  // Several processes may run the same source, and fail for the same reason.
  return [...new Map(down.map((source) => [source.name, source])).values()].map(
    ({ name, state, sinceMs, restarts, error }) => ({
      code: 'SOURCE_DOWN',
      message: `The source "${name}" brings nothing in: it is ${state} since ${since(sinceMs, nowMs)}, after ${counted(restarts, 'restart')}.${error === undefined ? '' : ` ${oneLine(error.message)} (${error.code})`} It goes on by itself once the cause is mended; nothing of it is lost.`,
    }),
  );
}

async function fillProblems(ports: Ports): Promise<Problem[]> {
  return (await inboxFills(ports))
    .filter(({ fill }) => fill >= OUTSIDE_FILL_LIMIT)
    .map(({ stream, fill }) => ({
      code: 'INBOX_FULL',
      message: `The inbox ${stream} is ${Math.round(fill * 100)} % full and refuses events from outside: add placement nodes, or raise its limits.`,
    }));
}
