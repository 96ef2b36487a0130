/**
 * What a seed decides: which deliveries are sent twice, and when the faults come.
 */
import type { DemoOptions } from './options.ts';

/** One run, decided. Moments are indexes of deliveries: the fault comes just before that one is sent. */
export interface Plan {
  /** Sent again at once: the server refuses them. */
  readonly doubledAtOnce: ReadonlySet<number>;
  /** Sent again after the server's duplicate window: it does not know them any more. */
  readonly doubledLater: ReadonlySet<number>;
  /** Sent again past the gateway, by a plain NATS client: every other one of both. */
  readonly doubledPast: ReadonlySet<number>;
  /** The gateway forgets what it has taken before anything is sent again. */
  readonly isGatewayForgetful: boolean;
  /** One placement node is killed and replaced: before the other one is paused, while it stands still, or after. */
  readonly killAt: number;
  /** From here on the other placement node is to be paused, as soon as it commits a suitable agent's turn. */
  readonly pauseFrom: number;
  /** The gateway is killed, so long in milliseconds after this delivery is on its way, and started again. */
  readonly gateway: { readonly killAt: number; readonly afterMs: number };
  /** The server is killed and started again: here, or so many deliveries after the standstill has begun. */
  readonly restart: { readonly at: number } | { readonly inStandstill: number };
  readonly times: Times;
}

/** How long things take, in milliseconds. */
interface Times {
  /** Between two deliveries. */
  readonly paceMs: number;
  /** How long the server itself recognizes a repeated message ID. */
  readonly windowMs: number;
  /** How long the paused node stands still, at least. */
  readonly pauseMs: number;
  /** Before the second sending at once, where the server has to have forgotten the first. */
  readonly forgetMs: number;
}

/** A pause past the lease, which lives for 10 s. */
const FULL: Times = { paceMs: 55, windowMs: 2_000, pauseMs: 11_000, forgetMs: 0 };
/** A pause past the heartbeats only, after 1.2 s without which others take over. */
const FAST: Times = { paceMs: 5, windowMs: 500, pauseMs: 1_500, forgetMs: 0 };
/** A delivery is on its way for about so long, in milliseconds. */
const GATEWAY_KILL_MS = 6;
/** The shortest window that the server takes. */
const NO_WINDOW = { windowMs: 100, forgetMs: 200 } as const;

/** Decides a run over so many deliveries. */
export function makePlan({ seed, broken, fast }: DemoOptions, deliveries: number): Plan {
  const random = generator(seed);
  const between = (from: number, to: number): number => Math.floor((from + random() * (to - from)) * deliveries);
  const killAt = random() < 0.5 ? between(0.01, 0.29) : between(0.41, 0.99);
  // What a node in its standstill has been sent already, it does again when it overwrites the others' work. Only
  // what it has never been sent is surely lost without the fence, and the server's end sees to that.
  const inStandstill = random() < 0.5 || broken === 'cas';
  const restart = inStandstill ? { inStandstill: 1 + Math.floor(random() * 8) } : { at: between(0.04, 0.96) };
  const gateway = { killAt: between(0.05, 0.95), afterMs: random() * GATEWAY_KILL_MS };
  const doubled = new Set<number>();
  while (doubled.size < Math.round(deliveries / 10)) doubled.add(between(0, 1));
  const half = Math.floor(doubled.size / 2);
  const forgetful = broken === 'server-dedupe' || broken === 'dedupe' ? NO_WINDOW : {};
  return {
    doubledLater: new Set([...doubled].slice(0, half)),
    doubledAtOnce: new Set([...doubled].slice(half)),
    doubledPast: new Set([...doubled].filter((_, i) => i % 2 === 0)),
    isGatewayForgetful: broken === 'gateway-dedupe' || broken === 'dedupe',
    gateway,
    killAt,
    pauseFrom: between(0.3, 0.4),
    restart,
    times: { ...(fast ? FAST : FULL), ...forgetful },
  };
}

/** Uniform numbers in [0, 1) from a seed. @see Tommy Ettinger's mulberry32. */
function generator(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
