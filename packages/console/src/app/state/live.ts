/**
 * What happens, as it happens: one stream of the gateway for this tab, of the agents that its page is about. It is
 * closed while nobody sees the tab, resumes where it was, and while it cannot be had, pages ask again by themselves.
 */
import { type Signal, effect, signal } from '@preact/signals';
import type { PastCommit } from '@wakebus/client';
import { readEvents } from '../api/event-stream.ts';
import { ApiProblem, isLockedOut, lastAnswerMs, token, withQuery } from '../api/gateway.ts';

/** `live`: by the stream. `polling`: it cannot be had, or brings more than anyone reads. `hidden`: nobody looks. */
export type LiveState = 'connecting' | 'live' | 'polling' | 'hidden';

export const liveState: Signal<LiveState> = signal('connecting');
/** Rises when something has happened, or may have: what is shown is to be read again. */
export const pulse: Signal<number> = signal(0);
/** The newest commits that the stream has brought, newest first. */
export const recentCommits: Signal<readonly PastCommit[]> = signal([]);

/** Pages are read again so often at most, in milliseconds. */
const PULSE_MS = 400;
/** Without a stream they are read again so often. */
const POLL_MS = 5_000;
/** With a stream all the same: what is counted on the server, and timers that come nearer, have no event. */
const UNASKED_MS = 30_000;
const RECONNECT_MS = [250, 1_000, 2_000, 5_000] as const;
/** More events a second than that are not read by anyone: then a page is only read again. */
const MOST_EVENTS = 200;
const KEPT = 50;

const pattern = signal<string | undefined>(undefined);
let lastId: string | undefined;
let lastPulseMs = 0;
let pulseTimer: number | undefined;

/** What the page is about: an address, `<type>/*`, or `*`. */
export function follow(agents: string): void {
  if (pattern.value === agents) return;
  lastId = undefined;
  recentCommits.value = [];
  pattern.value = agents;
}

/** Begins; the tab's whole life. */
export function startLive(): void {
  const isShown = signal(!document.hidden);
  document.addEventListener('visibilitychange', () => (isShown.value = !document.hidden));
  effect(() => {
    const agents = pattern.value;
    // Read, so that a new token opens a new stream.
    const isAllowed = token.value !== undefined && !isLockedOut.value;
    if (agents === undefined || !isAllowed) return undefined;
    if (!isShown.value) {
      liveState.value = 'hidden';
      return undefined;
    }
    const ended = new AbortController();
    void keepOpen(agents, ended.signal);
    const timer = setInterval(() => pollIfDue(), POLL_MS);
    ring();
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  });
}

/** Has everything that is shown read again, soon. */
export function ring(): void {
  if (pulseTimer !== undefined) return;
  const waitMs = Math.max(0, PULSE_MS - (performance.now() - lastPulseMs));
  pulseTimer = window.setTimeout(() => {
    pulseTimer = undefined;
    lastPulseMs = performance.now();
    pulse.value += 1;
  }, waitMs);
}

function pollIfDue(): void {
  const isQuiet = liveState.peek() === 'live' && performance.now() - lastPulseMs < UNASKED_MS;
  if (!isQuiet) ring();
}

async function keepOpen(agents: string, ended: AbortSignal): Promise<void> {
  for (let tries = 0; !ended.aborted; tries += 1) {
    if (liveState.peek() !== 'polling') liveState.value = 'connecting';
    try {
      for await (const { kind, id, data } of readEvents(withQuery('events', { agent: agents }), {
        signal: ended,
        lastId,
      })) {
        tries = 0;
        if (kind === 'open') opened();
        else if (!take(kind, id, data)) break;
      }
    } catch (error) {
      if (ended.aborted) return;
      if (error instanceof ApiProblem && error.status === 403) return void (liveState.value = 'polling');
    }
    if (ended.aborted) return;
    liveState.value = 'polling';
    await pause(RECONNECT_MS[Math.min(tries, RECONNECT_MS.length - 1)] ?? POLL_MS, ended);
  }
}

/** What happened while nobody listened is read now. */
function opened(): void {
  liveState.value = 'live';
  lastSecond.count = 0;
  ring();
}

const lastSecond = { startMs: 0, count: 0 };

/** @returns whether to go on. */
function take(kind: string, id: string | undefined, data: string): boolean {
  lastAnswerMs.value = Date.now();
  const nowMs = performance.now();
  if (nowMs - lastSecond.startMs > 1_000) Object.assign(lastSecond, { startMs: nowMs, count: 0 });
  lastSecond.count += 1;
  if (id !== undefined) lastId = id;
  if (kind === 'turn') recentCommits.value = [JSON.parse(data) as PastCommit, ...recentCommits.peek()].slice(0, KEPT);
  ring();
  if (lastSecond.count <= MOST_EVENTS) return true;
  // Too much to follow one by one: from the newest on, after a pause.
  lastId = undefined;
  return false;
}

function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    ended.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
