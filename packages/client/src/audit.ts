/**
 * The audit: each action of an operator is written down before it is begun, and again with its outcome.
 *
 * Whoever cannot write the first entry does not act. A second one that is lost leaves `asked`: it may have
 * happened, and the agent's history tells. What is refused before it is begun is written down as refused; so are
 * triggers, by the endpoint that refused them.
 */
import {
  type AgentKey,
  type AuditAction,
  type AuditEntry,
  type EffectScope,
  type Layout,
  WakebusError,
  addressOf,
  checkAgentType,
  decode,
  encodeToSend,
  isWakebusError,
  parseAddress,
} from '@wakebus/protocol';
import { InboxFill } from './inbox-fill.ts';
import { readNewest } from './newest.ts';
import { readLimit, readStart } from './page-options.ts';
import type { ClientPorts } from './ports.ts';
import { publishUntilStored } from './publish.ts';

/** For how long the first entry is tried, in milliseconds: an election takes less. */
const PATIENCE_MS = 10_000;

/** An action on an agent, on a whole type, or on all effects on a target; a trigger that an endpoint refused. */
export interface AuditedAction {
  readonly action: AuditAction;
  readonly target: { readonly key: AgentKey } | { readonly endpoint: string } | EffectScope;
  readonly by: string;
  readonly reason?: string | undefined;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/**
 * Writes an action down, does it, and writes down what came of it.
 *
 * @throws {WakebusError} `UNAVAILABLE` when it could not be written down, and nothing was done; what the work throws.
 */
export async function audited<T>(ports: ClientPorts, what: AuditedAction, work: () => Promise<T>): Promise<T> {
  const id = freshId(ports);
  await write(ports, what, { id, outcome: 'asked' });
  try {
    const value = await work();
    await write(ports, what, { id, outcome: 'done' }).catch(() => {}); // It is done, and was written down before.
    return value;
  } catch (thrown) {
    const code = isWakebusError(thrown) ? thrown.code : 'INTERNAL';
    await write(ports, what, { id, outcome: 'failed', code }).catch(() => {});
    throw thrown;
  }
}

/**
 * Finds out whether an action can be begun. One that is refused is written down, as far as that succeeds: nothing
 * was done.
 *
 * @throws what the check throws.
 */
export async function checked<T>(ports: ClientPorts, what: AuditedAction, check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (thrown) {
    if (isWakebusError(thrown) && thrown.next === 'terminal') await noteRefusal(ports, what, thrown.code);
    throw thrown;
  }
}

/** Writes a refusal down. What cannot be written is let go. */
export async function noteRefusal(ports: ClientPorts, what: AuditedAction, code: string): Promise<void> {
  await write(ports, what, { id: freshId(ports), outcome: 'refused', code }).catch(() => {});
}

function freshId({ random }: ClientPorts): string {
  return random.id().slice(0, 16);
}

async function write(
  ports: ClientPorts,
  { action, target, by, reason, facts }: AuditedAction,
  outcome: Pick<AuditEntry, 'id' | 'outcome' | 'code'>,
): Promise<void> {
  const { audit, clock, layout } = ports;
  const entry: AuditEntry = {
    v: 1,
    action,
    target: nameOf(target),
    by,
    ...(reason !== undefined && { reason }),
    ...(facts !== undefined && { facts }),
    ...outcome,
    atMs: clock.wallMs(),
  };
  const publication = {
    what: `The audit entry of "${action}"`,
    id: outcome.id,
    subject: subjectOf(layout, target),
    data: encodeToSend(entry),
    options: { messageId: `${outcome.id}:${outcome.outcome}`, headers: {} },
    untilMs: clock.monotonicMs() + PATIENCE_MS,
  };
  try {
    await publishUntilStored(
      { inbox: audit, fill: new InboxFill(audit, layout.auditStream, clock) },
      clock,
      publication,
    );
  } catch (cause) {
    throw new WakebusError('UNAVAILABLE', { what: `The stream ${layout.auditStream}` }, { cause });
  }
}

function nameOf(target: AuditedAction['target']): string {
  if ('key' in target) return addressOf(target.key);
  return 'endpoint' in target ? target.endpoint : (target.type ?? target.target);
}

function subjectOf(layout: Layout, target: AuditedAction['target']): string {
  if ('key' in target) return layout.auditSubject('agent', target.key);
  if ('endpoint' in target) return layout.auditSubject('endpoint', target.endpoint);
  return target.type === undefined
    ? layout.auditSubject('target', target.target)
    : layout.auditSubject('type', checkAgentType(target.type));
}

/** Which entries to list. */
export interface AuditOptions {
  /** Only what was done to this agent or, without a slash, to this agent type as a whole; with a slash in front, what this endpoint refused. @default everything */
  readonly target?: string;
  /** Entries a page, 1 to 1,000. @default 100 */
  readonly pageSize?: number;
  /** From the page before. @default the beginning */
  readonly cursor?: string;
  /** In place of both: the newest so many, 1 to 1,000. */
  readonly last?: number;
}

/** One page of entries, oldest first; without a cursor there are no more. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly cursor?: string;
}

function filterOf(layout: Layout, target: string | undefined): string {
  if (target === undefined) return layout.auditSubject('>');
  if (target.startsWith('/')) return layout.auditSubject('endpoint', target);
  return target.includes('/')
    ? layout.auditSubject('agent', parseAddress(target))
    : layout.auditSubject('type', checkAgentType(target));
}

/** Lists what operators did, and what was refused. @throws {WakebusError} `INVALID_OPTION`, `INVALID_ADDRESS`, `UNAVAILABLE`. */
export async function listAudit({ audit, layout }: ClientPorts, options: AuditOptions): Promise<AuditPage> {
  const { target, pageSize, cursor, last: newest } = options;
  const limit = readLimit(pageSize);
  const filter = filterOf(layout, target);
  if (newest !== undefined) {
    const found = await readNewest(audit, filter, readLimit(newest, 'last'));
    return { entries: found.map(({ data }) => decode(data) as AuditEntry) };
  }
  const messages = await audit.read(filter, readStart(cursor) + 1, limit);
  const last = messages.at(-1);
  return {
    entries: messages.map(({ data }) => decode(data) as AuditEntry),
    ...(messages.length === limit && last !== undefined && { cursor: String(last.seq) }),
  };
}
