/**
 * Access without tokens, for one's own machine only: from a loopback address, to a loopback name, and from no page
 * of another origin. The last two keep web pages out, which a browser lets send to any local port.
 */
import { WakebusError } from '@wakebus/protocol';
import { type Authorizer, type Grant, verbs } from './access.ts';

const EVERYTHING: Grant = { id: 'loopback', target: '*', verbs };
const ADDRESS = /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/;
const NAME = /^(?:localhost|[a-z0-9.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Lets the own machine do everything, and nobody else anything. */
export const loopbackOnly: Authorizer = ({ address, headers, url }) => {
  const origin = headers.get('origin');
  if (!ADDRESS.test(address)) throw refused(`it comes from ${address}, and without tokens only loopback is let in`);
  if (!isLoopbackUrl(url)) throw refused('its Host is no loopback name, and without tokens only those are let in');
  if (origin !== null && !isLoopbackUrl(origin)) throw refused('it comes from a page of another origin');
  return EVERYTHING;
};

/** Whether a host that a server listens on is this machine's own only. */
export function isLoopbackHost(hostname: string): boolean {
  return ADDRESS.test(hostname) || NAME.test(hostname);
}

function isLoopbackUrl(url: string): boolean {
  return URL.canParse(url) && NAME.test(new URL(url).hostname);
}

function refused(why: string): WakebusError {
  return new WakebusError('FORBIDDEN', { verb: 'enter', what: `this gateway: ${why}` });
}
