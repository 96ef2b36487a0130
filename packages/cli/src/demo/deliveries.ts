/**
 * The demo's input: 329 GitHub deliveries that `@octokit/webhooks-examples` has recorded, in the order
 * of their payloads' times, each with an ID and the address of the agent that it is about.
 *
 * Nothing here knows Wakebus or XState: what the agents make of a delivery is in the machines, and once
 * more, independently, in `fold.ts`.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Something that GitHub speaks of, as far as the demo reads it. */
export interface Thing {
  readonly id?: number;
  readonly number?: number;
  readonly name?: string;
  readonly login?: string;
  readonly sha?: string;
  readonly head_sha?: string;
  readonly commit_id?: string;
  readonly ghsa_id?: string;
  readonly full_name?: string;
  readonly state?: string;
  readonly conclusion?: string | null;
  readonly merged?: boolean;
  readonly pull_requests?: readonly Thing[];
}

/** A payload as recorded. Fields that the demo does not read are there, too. */
export interface Payload {
  readonly action?: string;
  readonly sha?: string;
  readonly state?: string;
  readonly [field: string]: unknown;
}

/** What a delivery is to an agent. */
export interface Subject {
  readonly agentType: string;
  readonly agentId: string;
  /** GitHub's event with its action, as in `issues.opened`: the agent's event type. */
  readonly event: string;
}

/** One delivery. */
export interface Delivery extends Subject {
  /** `<file>:<event>:<index>`, because the recorded files carry no delivery IDs. */
  readonly id: string;
  /** GitHub's event, as in `issues`. */
  readonly name: string;
  /** When it happened, in milliseconds since the epoch; absent where the payload does not say. */
  readonly timeMs: number | undefined;
  /** What it is ordered by: when it happened, else how old the repository's state in it is, else 0. */
  readonly orderMs: number;
  readonly payload: Payload;
}

/** A gap between two deliveries of one agent. */
export interface Sleep {
  readonly address: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Name of the recorded file, which is the folder of GitHub's public API. */
const FILE = 'api.github.com';

interface RecordedEvent {
  readonly name: string;
  readonly examples: readonly Payload[];
}

/** All deliveries in the order in which they happened. */
export function readDeliveries(): readonly Delivery[] {
  const path = createRequire(import.meta.url).resolve('@octokit/webhooks-examples/api.github.com/index.json');
  const recorded = JSON.parse(readFileSync(path, 'utf8')) as readonly RecordedEvent[];
  const deliveries = recorded.flatMap(({ name, examples }) =>
    examples.map((payload, index) => toDelivery(name, payload, index)),
  );
  // The sort is stable: what is equal in time and rank keeps the order of the file.
  return deliveries.toSorted((a, b) => a.orderMs - b.orderMs || rankOf(a) - rankOf(b));
}

/** `<type>/<id>`: an agent's address as people write it. */
export function addressOfDelivery(delivery: Delivery): string {
  return `${delivery.agentType}/${delivery.agentId}`;
}

/** The longest time between two deliveries of one agent, of those that say when they happened. */
export function longestSleep(deliveries: readonly Delivery[]): Sleep {
  const last = new Map<string, number>();
  let longest: Sleep = { address: '', fromMs: 0, untilMs: 0 };
  for (const delivery of deliveries) {
    if (delivery.timeMs === undefined) continue;
    const address = addressOfDelivery(delivery);
    const fromMs = last.get(address) ?? delivery.timeMs;
    if (delivery.timeMs - fromMs > longest.untilMs - longest.fromMs)
      longest = { address, fromMs, untilMs: delivery.timeMs };
    last.set(address, delivery.timeMs);
  }
  return longest;
}

function toDelivery(name: string, payload: Payload, index: number): Delivery {
  const timeMs = timeOf(payload);
  const orderMs = timeMs ?? latestIn(payload['repository']) ?? 0;
  return { id: `${FILE}:${name}:${index}`, name, ...subjectOf(name, payload), timeMs, orderMs, payload };
}

/** What a payload that comes under a name of GitHub's is about, and what it says of that. */
export function subjectOf(name: string, payload: Payload): Subject {
  const [agentType, agentId] = agentOf(name, payload);
  return { agentType, agentId, event: payload.action === undefined ? name : `${name}.${payload.action}` };
}

/** What a delivery is about: the most particular thing in it that lives on. */
function agentOf(name: string, payload: Payload): readonly [type: string, id: string] {
  const repository = thing(payload, 'repository');
  for (const type of ['issue', 'pull_request', 'discussion']) {
    const found = thing(payload, type);
    if (found) return [type, `${repository?.full_name}#${found.number}`];
  }
  const { id } = thing(payload, 'release') ?? thing(payload, 'team') ?? {};
  if (id !== undefined) return ['release' in payload ? 'release' : 'team', String(id)];
  const alert = thing(payload, 'alert');
  if (alert) return ['alert', `${repository?.full_name}/${name}/${alert.number ?? alert.id}`];
  const sha = commitOf(name, payload);
  if (sha !== undefined) return ['commit', sha];
  const item = thing(payload, 'projects_v2_item');
  if (item) return ['project_item', String(item.id)];
  const advisory = thing(payload, 'security_advisory');
  if (advisory?.ghsa_id !== undefined) return ['advisory', advisory.ghsa_id];
  return ownerOf(name, payload);
}

/** A run of a workflow comes first: a deployment and its status may belong to one. */
function commitOf(name: string, payload: Payload): string | undefined {
  for (const field of ['workflow_run', 'check_run', 'check_suite', 'workflow_job']) {
    const sha = thing(payload, field)?.head_sha;
    if (sha !== undefined) return sha;
  }
  if (name === 'status') return payload.sha;
  if (name === 'commit_comment') return thing(payload, 'comment')?.commit_id;
  return thing(payload, 'deployment')?.sha;
}

/**
 * A repository goes by its ID, since it may be renamed and handed over (there are three by the name of
 * `Codertocat/Hello-World`); what has none belongs to an installation, an organization or a user.
 */
function ownerOf(name: string, payload: Payload): readonly [type: string, id: string] {
  const repository = thing(payload, 'repository');
  if (repository) return ['repository', String(repository.id)];
  if (name.startsWith('installation')) return ['installation', String(thing(payload, 'installation')?.id)];
  const account = thing(payload, 'organization') ?? thing(payload, 'sender');
  return ['account', String(account?.login)];
}

/** Where a payload may say when it happened: the thing that the event is about, most particular first. */
const TIMED = [
  'comment',
  'review',
  'thread',
  'deployment_status',
  'deployment',
  'check_run',
  'check_suite',
  'workflow_job',
  'workflow_run',
  'alert',
  'answer',
  'issue',
  'pull_request',
  'discussion',
  'milestone',
  'release',
  'rule',
  'key',
  'package',
  'security_advisory',
  'sponsorship',
  'build',
  'hook',
  'forkee',
  'invitation',
  'project',
  'project_card',
  'project_column',
  'projects_v2_item',
  'installation',
];

/** The latest time in the thing that the event is about, else in the payload itself. */
function timeOf(payload: Payload): number | undefined {
  const places = [...TIMED.map((field) => payload[field]), payload];
  return places.map(latestIn).find((timeMs) => timeMs !== undefined);
}

/** The latest of the fields `…_at`. GitHub writes them as ISO 8601 or, in pushes, as seconds. */
function latestIn(place: unknown): number | undefined {
  const times = Object.entries(place ?? {})
    .filter(([name, value]) => name.endsWith('_at') && (typeof value === 'string' || typeof value === 'number'))
    .map(([, value]) => (typeof value === 'number' ? value * 1000 : Date.parse(value as string)));
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Times are whole seconds; in the same one, a thing begins before it goes on and ends last. */
function rankOf({ payload: { action = '' } }: Delivery): number {
  if (['opened', 'created', 'requested', 'queued'].includes(action)) return 0;
  return ['closed', 'deleted', 'completed'].includes(action) ? 2 : 1;
}

/** A field of a payload that is an object. */
export function thing(payload: Payload, field: string): Thing | undefined {
  const value = payload[field];
  return typeof value === 'object' && value !== null ? value : undefined;
}
