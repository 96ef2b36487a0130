/**
 * `GET /console/…`: the files of a console, which are the same for everyone and ask the gateway's API like any other
 * caller, with a token. They come with a policy under which they run nothing, show nothing and ask nobody else.
 */
import { WakebusError } from '@wakebus/protocol';
import type { Call } from '../gateway-context.ts';

/** One file of a console. */
export interface ConsoleFile {
  readonly body: Uint8Array<ArrayBuffer>;
  /** The same, for browsers that take it. */
  readonly gzip: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Whether its name says what is in it, so that it may be kept for ever. */
  readonly isImmutable: boolean;
}

/** Where the files are from. */
export interface ConsoleFiles {
  /** @param path - Below `/console/`; empty for the page itself. @returns `undefined` when there is no such file. */
  get(path: string): Promise<ConsoleFile | undefined>;
}

const ROOT = '/console/';
const MOVED = 308;
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Answers with a file. @throws {WakebusError} `ROUTE_UNKNOWN`. */
export async function serveConsole(files: ConsoleFiles, call: Call): Promise<Response> {
  const { path } = call.req;
  // Relative: a gateway may be mounted below a path of somebody else's.
  if (!path.startsWith(ROOT)) return new Response(null, { status: MOVED, headers: { Location: 'console/' } });
  const file = await files.get(path.slice(ROOT.length));
  if (file === undefined) throw new WakebusError('ROUTE_UNKNOWN', { method: 'GET', path: path.slice(0, 200) });
  const takesGzip = /\bgzip\b/.test(call.req.header('accept-encoding') ?? '');
  return new Response(takesGzip ? file.gzip : file.body, {
    headers: {
      ...(takesGzip && { 'Content-Encoding': 'gzip' }),
      Vary: 'Accept-Encoding',
      'Content-Type': file.contentType,
      'Cache-Control': file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
      'Content-Security-Policy': POLICY,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
    },
  });
}
