/**
 * The OpenAPI 3.1 document of a gateway: its own routes, and one path for each event of each agent type that has
 * been started. Pure: the registry in, the document out.
 */
import type { RegisteredType } from '@wakebus/protocol';

type Schema = Readonly<Record<string, unknown>>;

const VERSION = '3.1.0';
/** Where an error is described. */
const PROBLEM: Schema = { $ref: '#/components/schemas/Problem' };

/** What a path of the gateway itself is, in one line. */
interface PathSummary {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly path: string;
  readonly summary: string;
  /** Parameters of its query. */
  readonly query?: readonly string[];
}

const incidentQuery: readonly string[] = ['agent', 'kind', 'limit', 'cursor', 'last'];
const agentQuery: readonly string[] = ['type', 'lifecycle', 'limit', 'cursor', 'waiting'];
const historyQuery: readonly string[] = ['after', 'limit', 'last'];
const parkedQuery: readonly string[] = ['agent', 'type', 'code', 'limit', 'cursor'];

const ownPaths: readonly PathSummary[] = [
  { method: 'post', path: '/events', summary: 'Many events as NDJSON; an answer a line' },
  { method: 'get', path: '/events', summary: 'Commits as server-sent events, of a pattern' },
  { method: 'get', path: '/agents', summary: 'A page of agents', query: agentQuery },
  { method: 'get', path: '/agents/{type}', summary: 'A page of agents of a type', query: agentQuery.slice(1) },
  { method: 'get', path: '/agents/{type}/{id}', summary: 'One agent; wakes nobody' },
  { method: 'delete', path: '/agents/{type}/{id}', summary: 'Remove an agent for good' },
  { method: 'get', path: '/agents/{type}/{id}/history', summary: 'A page of its commits', query: historyQuery },
  { method: 'get', path: '/agents/{type}/{id}/events', summary: 'Its commits as server-sent events' },
  { method: 'post', path: '/agents/{type}/{id}/snapshots', summary: 'Keep it as it is' },
  { method: 'get', path: '/agents/{type}/{id}/snapshots', summary: 'What is kept of it' },
  { method: 'get', path: '/agents/{type}/{id}/snapshots/{snapshot}', summary: 'One snapshot' },
  {
    method: 'get',
    path: '/agents/{type}/{id}/snapshots/{snapshot}/diff',
    summary: 'What has changed since, or until another',
    query: ['to'],
  },
  { method: 'delete', path: '/agents/{type}/{id}/snapshots/{snapshot}', summary: 'Give a snapshot up' },
  { method: 'post', path: '/agents/{type}/{id}/{event}', summary: 'Any event' },
  { method: 'post', path: '/agents/{type}/{id}/control/restore', summary: 'Take it back to a snapshot' },
  { method: 'post', path: '/agents/{type}/{id}/control/fork', summary: 'Begin another one from it' },
  { method: 'post', path: '/agents/{type}/{id}/control/{verb}', summary: 'Suspend, release, recover or remove' },
  { method: 'post', path: '/agents/{type}/{id}/effects/{effect}', summary: 'Resolve an effect that is maybe' },
  { method: 'get', path: '/agents/{type}/{id}/schedules/{schedule}', summary: 'One schedule' },
  { method: 'put', path: '/agents/{type}/{id}/schedules/{schedule}', summary: 'Make or replace a schedule' },
  { method: 'delete', path: '/agents/{type}/{id}/schedules/{schedule}', summary: 'End a schedule' },
  { method: 'post', path: '/agents/{type}/{id}/timers/{timer}/fire', summary: 'Let a timer come now' },
  { method: 'delete', path: '/agents/{type}/{id}/timers/{timer}', summary: 'Take a timer or a schedule back' },
  { method: 'get', path: '/agents/{type}/{id}/task', summary: 'How far it is, and what may come next' },
  { method: 'get', path: '/overview', summary: 'The deployment as a whole' },
  { method: 'get', path: '/nodes', summary: 'Placement nodes, what waits, and streams' },
  { method: 'get', path: '/timers', summary: 'What is pending by the clock', query: ['agent', 'type'] },
  { method: 'get', path: '/channels', summary: 'The channels that were added' },
  { method: 'get', path: '/incidents', summary: 'What operators must hear of', query: incidentQuery },
  { method: 'get', path: '/whoami', summary: 'What the caller may do' },
  { method: 'delete', path: '/agents/{type}/{id}/held', summary: 'Throw away all that waits for it' },
  { method: 'get', path: '/schedules', summary: 'Schedules', query: ['agent', 'type'] },
  { method: 'get', path: '/held', summary: 'A page of messages that stand aside', query: parkedQuery },
  { method: 'get', path: '/held/{message}', summary: 'One message that stands aside' },
  { method: 'get', path: '/dead-letters', summary: 'A page of messages that were given up', query: parkedQuery },
  { method: 'get', path: '/dead-letters/{letter}', summary: 'One message that was given up' },
  { method: 'post', path: '/dead-letters/{letter}/replay', summary: 'Send it again; twice is once' },
  { method: 'delete', path: '/dead-letters/{letter}', summary: 'Throw it away for good' },
  { method: 'get', path: '/explain', summary: 'A chain of wakes as a tree', query: ['target', 'limit'] },
  { method: 'get', path: '/audit', summary: 'What operators did', query: ['target', 'limit', 'cursor', 'last'] },
  { method: 'get', path: '/backlog', summary: 'Messages that wait for the placement nodes of a pool', query: ['pool'] },
  { method: 'get', path: '/history', summary: 'A page of commits', query: ['agent', ...historyQuery] },
  { method: 'get', path: '/socket', summary: 'A WebSocket: events, replies and commits over one connection' },
  { method: 'get', path: '/types', summary: 'Agent types' },
  { method: 'get', path: '/types/{type}', summary: 'One agent type' },
  { method: 'post', path: '/types/{type}/disable', summary: 'Let no agent of a type run anywhere' },
  { method: 'post', path: '/types/{type}/enable', summary: 'Let the agents of a type run again' },
  { method: 'get', path: '/types/{type}/chart', summary: 'Its statechart' },
  { method: 'get', path: '/health', summary: 'The process lives' },
  { method: 'get', path: '/ready', summary: 'It can store events' },
];

/** Makes the document. @param types - Those that the reader may see. */
export function openApiOf(types: readonly RegisteredType[]): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, summary, query = [] } of ownPaths) {
    const parameters = [...parametersOf(path), ...query.map((name) => parameter(name, 'query'))];
    paths[path] = { ...paths[path], [method]: operation(summary, parameters) };
  }
  for (const type of types)
    for (const event of type.events.filter((name) => !name.includes('*')))
      paths[`/agents/${type.type}/{id}/${encodeURIComponent(event)}`] = { post: eventOperation(type, event) };
  for (const type of types)
    for (const [path, event] of Object.entries(type.routes ?? {}))
      paths[`/${type.type}/${path.replaceAll(/:([\w-]+)/g, '{$1}')}`] = { post: ownOperation(type, path, event) };
  return {
    openapi: VERSION,
    info: { title: 'Wakebus gateway', version: '1' },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: problemSchema, Accepted: acceptedSchema },
    },
  };
}

function eventOperation({ type, version, schemas }: RegisteredType, event: string): Schema {
  const schema = schemas?.[event] ?? {};
  return {
    ...operation(`${event} to an agent of type ${type}, version ${version}`, [
      parameter('id', 'path'),
      { ...parameter('wait', 'query'), description: 'Seconds to wait for the reply' },
      { ...parameter('Idempotency-Key', 'header'), description: 'The message ID: the same one is one event' },
    ]),
    operationId: `${type}.${event}`,
    tags: [type],
    requestBody: { content: { 'application/json': { schema } } },
    responses: {
      200: { description: 'The reply', content: { 'application/json': { schema: {} } } },
      202: {
        description: 'Stored',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Accepted' } } },
      },
      204: { description: 'Taken without a reply' },
      default: problemAnswer,
    },
  };
}

/** A route of the type's own: the same event, its places filled in by the path. */
function ownOperation(type: RegisteredType, path: string, event: string): Schema {
  const places = [...path.matchAll(/:([\w-]+)/g)].map(([, name = '']) => parameter(name, 'path'));
  return { ...eventOperation(type, event), operationId: `${type.type}:${path}`, parameters: places };
}

function operation(summary: string, parameters: readonly Schema[]): Schema {
  return { summary, parameters, responses: { '2XX': { description: 'Done' }, default: problemAnswer } };
}

function parametersOf(path: string): Schema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => parameter(name, 'path'));
}

function parameter(name: string, where: 'path' | 'query' | 'header'): Schema {
  return { name, in: where, schema: { type: 'string' }, ...(where === 'path' && { required: true }) };
}

const problemAnswer: Schema = {
  description: 'A problem; its code is one of ERRORS.md',
  content: { 'application/problem+json': { schema: PROBLEM } },
};

const problemSchema: Schema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'next'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    next: { enum: ['terminal', 'retryable', 'unknown', 'quarantine'] },
    facts: { type: 'object' },
  },
};

const acceptedSchema: Schema = {
  type: 'object',
  required: ['agent', 'event', 'messageId', 'seq', 'duplicate'],
  properties: {
    agent: { type: 'string' },
    event: { type: 'string' },
    messageId: { type: 'string' },
    seq: { type: 'integer' },
    duplicate: { type: 'boolean' },
  },
};
