/**
 * The layout of a deployment: names of its streams and buckets, and every subject that it uses.
 *
 * No other file joins strings into subjects. A layout is fixed when a deployment is created (prefix,
 * partitions, shards) and kept in the registry, where clients read it.
 */
import { type AgentKey, encodeEventName, encodeToken, partitionOf } from './address.ts';
import { WakebusError } from './errors.ts';

/** What fixes a layout. */
export interface LayoutOptions {
  /** Name of the deployment. @default "wakebus" – its agents then own the plain subjects `agents.>`. */
  readonly prefix?: string;
  /** Partitions of the inbox. @default 16 – even over up to sixteen placement nodes. Each partition is a consumer, and costs every message about a microsecond of server time. */
  readonly partitions?: number;
  /** Inbox and timer streams. @default 1 – one writer holds 10⁴ turns a second; more pay off with fsync on every write. */
  readonly shards?: number;
}

/** Kinds of message that only placement nodes may publish. */
export type RuntimeKind = 'message' | 'timer' | 'effect' | 'control';

/** Effects that an operator speaks of: those on a target, or all of an agent type. */
export type EffectScope =
  | { readonly target: string; readonly type?: undefined }
  | { readonly type: string; readonly target?: undefined };

/** What a stored inbox subject says. `event` is still encoded. */
export type InboxSubject =
  | { readonly key: string; readonly kind: 'event'; readonly event: string }
  | { readonly key: string; readonly kind: RuntimeKind };

/** Most partitions: each is a durable consumer, and a stream is limited to 1,000 by default. */
export const MAX_PARTITIONS = 512;

/** All names and subjects of one deployment. */
export class Layout {
  readonly prefix: string;
  readonly partitions: number;
  readonly shards: number;
  readonly #inboxRoot: string;
  readonly #agentsRoot: string;
  readonly #inboxKeyToken: number;

  constructor(options: LayoutOptions = {}) {
    this.prefix = options.prefix ?? 'wakebus';
    this.partitions = options.partitions ?? 16;
    this.shards = options.shards ?? 1;
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(this.prefix))
      throw new WakebusError('INVALID_OPTION', { option: 'prefix', why: 'write 1 to 32 of A-Z a-z 0-9 _ -' });
    checkCount('partitions', this.partitions, MAX_PARTITIONS);
    checkCount('shards', this.shards, Math.min(this.partitions, 16));
    this.#inboxRoot = `${this.prefix}.inbox.`;
    this.#agentsRoot = this.prefix === 'wakebus' ? 'agents.' : `${this.prefix}.agents.`;
    this.#inboxKeyToken = this.#inboxRoot.length;
  }

  /** Stream and bucket names. `inbox` and `timers` exist once a shard. */
  inboxStream(shard: number): string {
    return this.#sharded('inbox', shard);
  }
  timersStream(shard: number): string {
    return this.#sharded('timers', shard);
  }
  get agentsBucket(): string {
    return `${this.prefix}_agents`;
  }
  get leasesBucket(): string {
    return `${this.prefix}_leases`;
  }
  get registryBucket(): string {
    return `${this.prefix}_registry`;
  }
  get seenBucket(): string {
    return `${this.prefix}_seen`;
  }
  get tokensBucket(): string {
    return `${this.prefix}_tokens`;
  }
  /** What sources remember of themselves: where they are in a stream, which files they have seen. */
  get sourcesBucket(): string {
    return `${this.prefix}_sources`;
  }
  get birthsStream(): string {
    return `${this.prefix}_births`;
  }
  get heldStream(): string {
    return `${this.prefix}_held`;
  }
  get deadLettersStream(): string {
    return `${this.prefix}_dead_letters`;
  }
  get historyStream(): string {
    return `${this.prefix}_history`;
  }
  /** What operators did. */
  get auditStream(): string {
    return `${this.prefix}_audit`;
  }
  /** What operators must hear of. */
  get incidentsStream(): string {
    return `${this.prefix}_incidents`;
  }
  /** The object store of chunks: spilled snapshots, and IDs that outgrew their records. */
  get objectsBucket(): string {
    return `${this.prefix}_objects`;
  }
  /** Copies of records that are kept. */
  get snapshotsBucket(): string {
    return `${this.prefix}_snapshots`;
  }
  /** Where chunks stood before there was an object store. They are still read. */
  get formerChunksStream(): string {
    return `${this.prefix}_chunks`;
  }
  /** With more than one shard: where plain publishers write, and what the shards source. */
  get frontDoorStream(): string {
    return `${this.prefix}_front_door`;
  }

  partitionOf(key: AgentKey): number {
    return partitionOf(key, this.partitions);
  }
  shardOf(partition: number): number {
    return partition % this.shards;
  }
  /** The partitions of one shard, ascending. */
  partitionsOf(shard: number): number[] {
    return Array.from({ length: this.partitions }, (_, p) => p).filter((p) => this.shardOf(p) === shard);
  }

  /** Where any publisher sends an event, shards or not. @throws {WakebusError} `INVALID_EVENT`. */
  agentSubject(key: AgentKey, event: string): string {
    return `${this.#agentsRoot}${key}.${encodeEventName(event)}`;
  }
  /** Where our own client sends an event: with shards, straight into the agent's own. */
  eventSubject(key: AgentKey, event: string): string {
    if (this.shards === 1) return this.agentSubject(key, event);
    return `${this.#inboxRoot}${this.partitionOf(key)}.${key}.e.${encodeEventName(event)}`;
  }
  runtimeSubject(key: AgentKey, kind: RuntimeKind): string {
    return `${this.#inboxRoot}${this.partitionOf(key)}.${key}.s.${kind}`;
  }
  /** All that waits for one agent, in one filter. */
  mailboxFilter(key: AgentKey): string {
    return `${this.#inboxRoot}${this.partitionOf(key)}.${key}.>`;
  }
  /** What one pool's consumer of a partition delivers of one agent type. */
  partitionFilter(partition: number, type: string): string {
    return `${this.#inboxRoot}${partition}.${type}.>`;
  }
  get agentsFilter(): string {
    return `${this.#agentsRoot}*.*.>`;
  }
  /** `agents.<type>.<id>.<event>` becomes `<prefix>.inbox.<p>.<type>.<id>.e.<event>` as it is stored. */
  get inboxTransform(): { readonly src: string; readonly dest: string } {
    return {
      src: this.agentsFilter,
      dest: `${this.#inboxRoot}{{partition(${this.partitions},1,2)}}.{{wildcard(1)}}.{{wildcard(2)}}.e.>`,
    };
  }
  inboxFilter(partition?: number): string {
    return partition === undefined ? `${this.#inboxRoot}>` : `${this.#inboxRoot}${partition}.>`;
  }

  /** The consumer of what was published below the agents' subjects with tokens that no mapping takes. */
  get straysConsumer(): string {
    return 'strays';
  }
  /** Wider than {@link agentsFilter}: the server does not deliver a subject with `>` inside to a filter with `*` in that place. */
  get straysFilter(): string {
    return `${this.#agentsRoot}>`;
  }

  /** Results of effects that wait in an inbox, of all agents. */
  get effectResultsFilter(): string {
    return `${this.#inboxRoot}*.*.*.s.effect`;
  }

  /** Reads a stored inbox subject without splitting it: this runs for every delivery. */
  readInboxSubject(subject: string): InboxSubject | undefined {
    if (!subject.startsWith(this.#inboxRoot)) return undefined;
    const typeStart = subject.indexOf('.', this.#inboxKeyToken) + 1;
    const typeEnd = subject.indexOf('.', typeStart);
    const idEnd = subject.indexOf('.', typeEnd + 1);
    if (typeStart === 0 || typeEnd < 0 || idEnd < 0) return undefined;
    const key = subject.slice(typeStart, idEnd);
    const rest = subject.slice(idEnd + 3);
    if (subject.startsWith('.e.', idEnd)) return { key, kind: 'event', event: rest };
    if (subject.startsWith('.s.', idEnd)) return { key, kind: rest as RuntimeKind };
    return undefined;
  }
  /** The agent and partition of a pending inbox subject. */
  readPending(subject: string): { readonly key: string; readonly partition: number } | undefined {
    const read = this.readInboxSubject(subject);
    if (read === undefined) return undefined;
    return { key: read.key, partition: Number.parseInt(subject.slice(this.#inboxKeyToken), 10) };
  }

  /** One schedule a subject: arming a timer again replaces it. */
  timerSubject(key: AgentKey, timerToken: string): string {
    return `${this.prefix}.timers.${this.partitionOf(key)}.${key}.${timerToken}`;
  }
  /** The schedule at the deadline of an effect. It names the placement node that runs it: what a dead one leaves can be listed. */
  deadlineSubject(key: AgentKey, timerToken: string, nodeId: string): string {
    return `${this.timerSubject(key, timerToken)}.${nodeId}`;
  }
  get deadlinesFilter(): string {
    return `${this.prefix}.timers.*.*.*.*.*`;
  }
  /** Whose effect a {@link deadlineSubject} is about, and on which placement node it runs. */
  readDeadline(subject: string): { readonly key: string; readonly nodeId: string } | undefined {
    const [, type, id, , nodeId] = subject.slice(`${this.prefix}.timers.`.length).split('.');
    return nodeId === undefined ? undefined : { key: `${type}.${id}`, nodeId };
  }
  /** The schedule of an effect that may not start yet. It names the target: what waits for one can be listed. */
  parkedSubject(key: AgentKey, timerToken: string, target: string): string {
    return `${this.timerSubject(key, timerToken)}.${targetToken(target)}.parked`;
  }
  parkedFilter({ type = '*', target }: EffectScope): string {
    return `${this.prefix}.timers.*.${type}.*.*.${target === undefined ? '*' : targetToken(target)}.parked`;
  }
  /** Whose effect a {@link parkedSubject} is about. */
  readParked(subject: string): string {
    const [, type, id] = subject.slice(`${this.prefix}.timers.`.length).split('.');
    return `${type}.${id}`;
  }
  /** All schedules of an agent. */
  timersFilter(key: AgentKey): string {
    return `${this.prefix}.timers.${this.partitionOf(key)}.${key}.>`;
  }
  /** What a timer fires into; the inbox sources it as `….s.timer`. */
  fireSubject(key: AgentKey): string {
    return `${this.prefix}.fires.${this.partitionOf(key)}.${key}`;
  }
  get fireTransform(): { readonly src: string; readonly dest: string } {
    return {
      src: `${this.prefix}.fires.*.*.*`,
      dest: `${this.#inboxRoot}{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}.s.timer`,
    };
  }

  /** All subjects of one shard's timers stream: schedules, and what they fire. */
  timersSubjects(shard: number): string[] {
    const partitions = this.shards === 1 ? ['>'] : this.partitionsOf(shard).map((p) => `${p}.>`);
    return partitions.flatMap((tokens) => [`${this.prefix}.timers.${tokens}`, `${this.prefix}.fires.${tokens}`]);
  }

  /** The key in the registry that says that effects may not start: those on a target, or all of an agent type. */
  disabledKey({ type, target }: EffectScope): string {
    return type === undefined ? `disabled.target.${targetToken(target)}` : `disabled.type.${type}`;
  }
  get disabledFilter(): string {
    return 'disabled.>';
  }

  /** The key in the registry that says that no agent of a type may run. @param type - Or `*`, for all such keys. */
  disabledTypeKey(type: string): string {
    return `disabled-types.${type}`;
  }

  birthSubject(key: AgentKey | '>'): string {
    return `${this.prefix}.births.${key}`;
  }
  heldSubject(key: AgentKey | '>'): string {
    return `${this.prefix}.held.${key}`;
  }
  deadLetterSubject(key: AgentKey | '>'): string {
    return `${this.prefix}.dead.${key}`;
  }
  historySubject(key: AgentKey | '>'): string {
    return `${this.prefix}.history.${key}`;
  }
  /** What operators did to an agent, to a whole agent type, or to all effects on a target; what an endpoint refused. Without any, all of it. */
  auditSubject(of: 'agent', key: AgentKey): string;
  auditSubject(of: 'type' | 'target' | 'endpoint', name: string): string;
  auditSubject(of: '>'): string;
  auditSubject(of: string, name?: string): string {
    if (name === undefined) return `${this.prefix}.audit.>`;
    return `${this.prefix}.audit.${of}.${of === 'type' || of === 'agent' ? name : targetToken(name)}`;
  }
  /** Where one incident stands: whoever tells it again finds it there. @param id - Made by `incidentId`: its parts are tokens. */
  incidentSubject(id: string): string {
    return `${this.prefix}.incidents.${id.replaceAll('/', '.')}`;
  }
  /** @param of - An agent's key, or `<type>.*`. @default all agents */
  incidentsFilter(kind: string = '*', of: string = '*.*'): string {
    return `${this.prefix}.incidents.${kind}.${of}.*`;
  }
  formerChunkSubject(hash: string): string {
    return `${this.prefix}.chunks.${hash}`;
  }

  /** Live events (lifecycle changes, emits): plain messages that nothing keeps. */
  liveSubject(key: AgentKey | '>'): string {
    return `${this.prefix}.live.${key}`;
  }
  /** Heartbeats of placement nodes, plain messages. */
  get beatSubject(): string {
    return `${this.prefix}.beats`;
  }
  /** What one placement node answers on: forwarded doorbells, requests to release, questions about effects. */
  nodeSubject(nodeId: string, verb: 'forward' | 'release' | 'effect'): string {
    return `${this.prefix}.nodes.${nodeId}.${verb}`;
  }
  consumerName(pool: string, partition: number): string {
    return `${pool}-${partition}`;
  }

  #sharded(name: string, shard: number): string {
    return this.shards === 1 ? `${this.prefix}_${name}` : `${this.prefix}_${name}_${shard}`;
  }
}

/** One token for any target. A name that is too long for one is cut: it has been chosen by nobody, but made of an actor's. */
function targetToken(target: string): string {
  try {
    return encodeToken(target);
  } catch {
    return encodeToken(target.toWellFormed().slice(0, 16));
  }
}

function checkCount(option: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new WakebusError('INVALID_OPTION', { option, why: `write a whole number from 1 to ${most}` });
}
