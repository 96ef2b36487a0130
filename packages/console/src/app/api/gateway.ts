/** Requests to the gateway that serves this page: under the token of the session, problems as typed errors. */
import { type Signal, signal } from '@preact/signals';

/** A refusal of the gateway, as `application/problem+json` says it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  /** One of ERRORS.md; empty where something in between has answered. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The gateway did not answer at all. */
class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

const TOKEN_KEY = 'wakebus.token';
/** The page stands at `<gateway>/console/`. */
const ROOT = new URL('..', document.baseURI);

/** The token that requests carry; none where the gateway asks for none. It is forgotten with the tab. */
export const token: Signal<string> = signal(sessionStorage.getItem(TOKEN_KEY) ?? '');
/** Whether the gateway has refused the token, or the lack of one. */
export const isLockedOut: Signal<boolean> = signal(false);
/** When the gateway last answered, in milliseconds since the epoch. */
export const lastAnswerMs: Signal<number> = signal(Date.now());
/** Whether the last request found nobody. */
export const isUnreachable: Signal<boolean> = signal(false);

export function signIn(given: string): void {
  sessionStorage.setItem(TOKEN_KEY, given);
  token.value = given;
  isLockedOut.value = false;
}

export function signOut(): void {
  sessionStorage.removeItem(TOKEN_KEY);
  token.value = '';
  isLockedOut.value = true;
}

/** The place of an agent in paths, each part escaped. */
export function agentPath(address: string): string {
  const slash = address.indexOf('/');
  return `agents/${encodeURIComponent(address.slice(0, slash))}/${encodeURIComponent(address.slice(slash + 1))}`;
}

/** A path with a query, of which what is `undefined` is left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}

/** Reads. @throws {ApiProblem} {@link Unreachable}. */
export async function read<T>(path: string): Promise<T> {
  const response = await send('GET', path, {});
  return (await response.json()) as T;
}

/** Asks for something to be done. @returns what is answered, if anything. @throws {ApiProblem} {@link Unreachable}. */
export async function act(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await send(method, path, sent);
  const text = await response.text();
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** Any request. @throws {ApiProblem} {@link Unreachable}. */
export async function send(
  method: string,
  path: string,
  more: { readonly body?: string; readonly signal?: AbortSignal; readonly headers?: Record<string, string> },
): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...more.headers };
  if (token.value !== '') headers['Authorization'] = `Bearer ${token.value}`;
  if (more.body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await fetch(new URL(path, ROOT), { ...more, method, headers, cache: 'no-store' }).catch(
    (error: unknown) => {
      if (more.signal?.aborted === true) throw error;
      isUnreachable.value = true;
      throw new Unreachable('The gateway does not answer.');
    },
  );
  isUnreachable.value = false;
  lastAnswerMs.value = Date.now();
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => undefined);
  const { code = '', detail = `The gateway has answered ${response.status}.` } = (body ?? {}) as {
    readonly code?: string;
    readonly detail?: string;
  };
  if (response.status === 401) isLockedOut.value = true;
  return new ApiProblem(response.status, code, detail);
}
