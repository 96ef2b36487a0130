/** The routes of a gateway, as one table, and what every request passes on its way to one. */
import { WakebusError } from '@wakebus/protocol';
import { Hono } from 'hono';
import type { Grant } from './access.ts';
import type { Cors } from './cors.ts';
import type { HostPaths } from './hosts.ts';
import { findOwnRoute } from './own-routes.ts';
import type { Call, Env, GatewayContext } from './gateway-context.ts';
import { problemResponse } from './problem.ts';
import { statusOf } from './http-status.ts';
import { backlog } from './routes/backlog.ts';
import { bulk } from './routes/bulk.ts';
import { type ConsoleFiles, serveConsole } from './routes/console.ts';
import { control, remove, resolveEffect } from './routes/control.ts';
import { listChannels, listIncidents, listNodes, listTimers, overview, whoAmI } from './routes/deployment.ts';
import { events } from './routes/events.ts';
import { audit, explain } from './routes/explain.ts';
import { health, ready } from './routes/health.ts';
import { history, inspect, list, listTypes, openApi, showChart, showTask, showType } from './routes/look.ts';
import { clearHeld, discard, listDeadLetters, listHeld, replay, showDeadLetter, showHeld } from './routes/parked.ts';
import { cancel, fire, listSchedules, putSchedule, removeSchedule, showSchedule } from './routes/schedules.ts';
import { deliver, send } from './routes/send.ts';
import { disableType, enableType } from './routes/types.ts';
import {
  diffSnapshot,
  fork,
  listSnapshots,
  removeSnapshot,
  restore,
  showSnapshot,
  takeSnapshot,
} from './routes/snapshots.ts';
import { socket } from './routes/socket.ts';
import { HOOK_PATH, type Webhooks } from './webhooks/receive.ts';

/** Answers one request of a caller that was let in. */
type Handler = (context: GatewayContext, call: Call, grant: Grant) => Response | Promise<Response>;

/** Answers anyone. */
type OpenHandler = (context: GatewayContext, call: Call) => Response | Promise<Response>;

interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly handler: Handler;
  /** What it refuses is in the audit. */
  readonly isTrigger?: true;
}

/** Every route that asks for a token. A request goes to the first that fits. */
export const routes: readonly Route[] = [
  { method: 'POST', path: '/agents/:type/:id/snapshots', handler: takeSnapshot },
  { method: 'POST', path: '/agents/:type/:id/:event', handler: send, isTrigger: true },
  { method: 'POST', path: '/events', handler: bulk, isTrigger: true },
  { method: 'GET', path: '/agents', handler: list },
  { method: 'GET', path: '/agents/:type', handler: list },
  { method: 'GET', path: '/agents/:type/:id', handler: inspect },
  { method: 'GET', path: '/agents/:type/:id/history', handler: history },
  { method: 'GET', path: '/agents/:type/:id/events', handler: events },
  { method: 'GET', path: '/agents/:type/:id/snapshots', handler: listSnapshots },
  { method: 'GET', path: '/agents/:type/:id/snapshots/:snapshot', handler: showSnapshot },
  { method: 'GET', path: '/agents/:type/:id/snapshots/:snapshot/diff', handler: diffSnapshot },
  { method: 'DELETE', path: '/agents/:type/:id/snapshots/:snapshot', handler: removeSnapshot },
  { method: 'GET', path: '/agents/:type/:id/schedules/:schedule', handler: showSchedule },
  { method: 'PUT', path: '/agents/:type/:id/schedules/:schedule', handler: putSchedule },
  { method: 'DELETE', path: '/agents/:type/:id/schedules/:schedule', handler: removeSchedule },
  { method: 'POST', path: '/agents/:type/:id/timers/:timer/fire', handler: fire },
  { method: 'DELETE', path: '/agents/:type/:id/timers/:timer', handler: cancel },
  { method: 'GET', path: '/agents/:type/:id/task', handler: showTask },
  { method: 'DELETE', path: '/agents/:type/:id/held', handler: clearHeld },
  { method: 'GET', path: '/overview', handler: overview },
  { method: 'GET', path: '/nodes', handler: listNodes },
  { method: 'GET', path: '/timers', handler: listTimers },
  { method: 'GET', path: '/channels', handler: listChannels },
  { method: 'GET', path: '/incidents', handler: listIncidents },
  { method: 'GET', path: '/whoami', handler: whoAmI },
  { method: 'GET', path: '/schedules', handler: listSchedules },
  { method: 'GET', path: '/held', handler: listHeld },
  { method: 'GET', path: '/held/:message', handler: showHeld },
  { method: 'GET', path: '/dead-letters', handler: listDeadLetters },
  { method: 'GET', path: '/dead-letters/:letter', handler: showDeadLetter },
  { method: 'POST', path: '/dead-letters/:letter/replay', handler: replay },
  { method: 'DELETE', path: '/dead-letters/:letter', handler: discard },
  { method: 'GET', path: '/explain', handler: explain },
  { method: 'GET', path: '/audit', handler: audit },
  { method: 'GET', path: '/backlog', handler: backlog },
  { method: 'GET', path: '/history', handler: history },
  { method: 'GET', path: '/events', handler: events },
  { method: 'GET', path: '/socket', handler: socket, isTrigger: true },
  { method: 'GET', path: '/types', handler: listTypes },
  { method: 'GET', path: '/types/:type', handler: showType },
  { method: 'POST', path: '/types/:type/disable', handler: disableType },
  { method: 'POST', path: '/types/:type/enable', handler: enableType },
  { method: 'GET', path: '/types/:type/chart', handler: showChart },
  { method: 'GET', path: '/openapi.json', handler: openApi },
  { method: 'DELETE', path: '/agents/:type/:id', handler: remove },
  { method: 'POST', path: '/agents/:type/:id/control/restore', handler: restore },
  { method: 'POST', path: '/agents/:type/:id/control/fork', handler: fork },
  { method: 'POST', path: '/agents/:type/:id/control/:verb', handler: control },
  { method: 'POST', path: '/agents/:type/:id/effects/:effect', handler: resolveEffect },
];

const openRoutes: ReadonlyArray<{ readonly path: string; readonly handler: OpenHandler }> = [
  { path: '/health', handler: health },
  { path: '/ready', handler: ready },
];

const OWN_PATH = '/:type/*';
const CONSOLE_PATHS = ['/console', '/console/*'] as const;
const FAULT = 500;

interface AppParts {
  readonly cors: Cors;
  readonly webhooks: Webhooks;
  readonly hosts: HostPaths;
  readonly console: ConsoleFiles | undefined;
}

/** The application: takes requests, never throws. */
export function createApp(context: GatewayContext, { cors, webhooks, hosts, console }: AppParts): Hono<Env> {
  // The path as it was sent: an ID may hold anything, escaped, and is decoded once, where it is used.
  const app = new Hono<Env>({ getPath: ({ url }) => hosts.pathOf(hostnameOf(url), pathOf(url)) });
  app.options('*', (call) => cors.preflight(call));
  for (const { path, handler } of openRoutes) app.get(path, (call) => handler(context, call));
  for (const { method, path, handler, isTrigger } of routes)
    app.on(method, path, guarded(context, cors, handler, isTrigger && path));
  if (console !== undefined)
    for (const path of CONSOLE_PATHS)
      app.get(path, (call) => context.requests.during(() => serveConsole(console, call)));
  app.post(HOOK_PATH, (call) => context.requests.during(() => webhooks.receive(call)));
  for (const [path, allowed] of methodsByPath()) {
    app.all(path, (call) => {
      throw new WakebusError('METHOD_NOT_ALLOWED', { method: call.req.method, allowed });
    });
  }
  app.post(OWN_PATH, guarded(context, cors, ownRoute, OWN_PATH));
  app.notFound((call) => refused(context, cors, call, unknownRoute(call)));
  app.onError((error, call) => refused(context, cors, call, error));
  return app;
}

/** @param endpoint - Of a trigger: where the audit has what it refuses. */
function guarded(
  context: GatewayContext,
  cors: Cors,
  handler: Handler,
  endpoint?: string,
): (call: Call) => Promise<Response> {
  return (call) =>
    context.requests.during(async () => {
      let grant: Grant | undefined;
      try {
        const admitted = context.admit(call);
        grant = admitted instanceof Promise ? await admitted : admitted;
        return cors.mark(call, await handler(context, call, grant));
      } catch (error) {
        if (endpoint !== undefined) context.refusals.note({ action: 'send', endpoint, error, grant });
        throw error;
      }
    });
}

function refused(context: GatewayContext, cors: Cors, call: Call, error: unknown): Response {
  if (statusOf(error) === FAULT)
    context.log.warn('a request failed', { error: String((error as Error).stack ?? error) });
  return cors.mark(call, problemResponse(error));
}

function unknownRoute(call: Call): WakebusError<'ROUTE_UNKNOWN'> {
  return new WakebusError('ROUTE_UNKNOWN', { method: call.req.method, path: call.req.path.slice(0, 200) });
}

/** The methods that a path takes, for those that come with another. */
function methodsByPath(): Map<string, string> {
  const methods = new Map<string, string[]>(openRoutes.map(({ path }) => [path, ['GET', 'HEAD']]));
  methods.set(HOOK_PATH, ['POST']);
  for (const { method, path } of routes) {
    const taken = methods.get(path) ?? ['OPTIONS'];
    taken.push(...(method === 'GET' ? ['GET', 'HEAD'] : [method]));
    methods.set(path, taken);
  }
  return new Map([...methods].map(([path, taken]) => [path, taken.toSorted().join(', ')]));
}

/** `POST /<type>/<path>`, where the type has such a route. */
async function ownRoute(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const type = call.req.param('type') ?? '';
  const entry = (await context.registry.types()).get(type);
  const found = entry && findOwnRoute(entry, call.req.path.slice(type.length + 2));
  if (found === undefined) throw unknownRoute(call);
  const { id, event, fields } = found;
  return deliver(context, call, grant, { agent: context.client.agent(type, id), event, fields });
}

function hostnameOf(url: string): string {
  const [, host = ''] = /^[a-z]+:\/\/([^/:]*)/i.exec(url) ?? [];
  return host.toLowerCase();
}

function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  if (start < 0) return '/';
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}
