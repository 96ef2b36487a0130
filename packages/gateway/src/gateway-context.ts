/** What all routes of one gateway share, and what every request passes before its route sees it. */
import type { HttpBindings } from '@hono/node-server';
import type { Client } from '@wakebus/client';
import { type AuditAction, isWakebusError } from '@wakebus/protocol';
import type { Context } from 'hono';
import { type Authorizer, type Grant, callerName } from './access.ts';
import type { DeploymentReads } from './deployment/deployment-reads.ts';
import type { GatewayLimits } from './limits.ts';
import { Rates } from './rates.ts';
import { Refusals } from './refusals.ts';
import { readBody } from './read-body.ts';
import type { Backlog } from './nats/backlog.ts';
import type { Registry } from './registry.ts';
import { NamedSlots, Slots } from './slots.ts';

/** Node.js's own request and response, where the gateway runs on its server. */
export interface Env {
  readonly Bindings: Partial<HttpBindings>;
}

/** One request on its way. */
export type Call = Context<Env>;

const MOST_REFUSALS = 5;

/** Where a gateway tells of its faults. */
export interface GatewayLog {
  warn(text: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Something of the process that does not work now, while the gateway does. Shown to anyone who asks whether it is ready. */
export interface Degradation {
  readonly what: string;
  readonly state: string;
  readonly code?: string;
}

export interface ContextParts {
  readonly client: Client;
  readonly backlog: Backlog;
  readonly registry: Registry;
  readonly deployment: DeploymentReads;
  readonly limits: GatewayLimits;
  readonly authorize: Authorizer;
  /** Proxies in front whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: number;
  readonly log: GatewayLog;
  readonly degraded: () => readonly Degradation[];
  /** Ends with the gateway. */
  readonly signal: AbortSignal;
}

export class GatewayContext {
  readonly client: Client;
  readonly backlog: Backlog;
  readonly registry: Registry;
  readonly deployment: DeploymentReads;
  readonly limits: GatewayLimits;
  readonly log: GatewayLog;
  readonly degraded: () => readonly Degradation[];
  readonly signal: AbortSignal;
  readonly requests: Slots;
  readonly waits: Slots;
  readonly streams: Slots;
  /** Triggers that are not taken. */
  readonly refusals: Refusals;
  readonly #authorize: Authorizer;
  readonly #trustedProxies: number;
  readonly #waitsPerToken: NamedSlots;
  readonly #tokenRates: Rates;
  readonly #addressRates: Rates;
  readonly #failures: Rates;
  /** Refusals that are written down, a second and a token: a caller must not fill the audit. */
  readonly #refusals: Rates = new Rates(MOST_REFUSALS);

  constructor(parts: ContextParts) {
    const { backlog, client, registry, deployment, limits, authorize, trustedProxies, log, degraded, signal } = parts;
    this.client = client;
    this.backlog = backlog;
    this.registry = registry;
    this.deployment = deployment;
    this.limits = limits;
    this.log = log;
    this.degraded = degraded;
    this.signal = signal;
    this.requests = new Slots('requests', limits.requests);
    this.waits = new Slots('waiting calls', limits.waits);
    this.streams = new Slots('streams', limits.streams);
    this.refusals = new Refusals(client, signal);
    this.#authorize = authorize;
    this.#trustedProxies = trustedProxies;
    this.#waitsPerToken = new NamedSlots('waiting calls of this token', limits.waitsPerToken);
    this.#tokenRates = new Rates(limits.perToken);
    this.#addressRates = new Rates(limits.perAddress);
    this.#failures = new Rates(limits.failuresPerAddress);
  }

  /** Lets a request in, and says for whom. @throws {WakebusError} `RATE_LIMITED`, `UNAUTHENTICATED`, `FORBIDDEN`, `UNAVAILABLE`. */
  admit(call: Call): Grant | Promise<Grant> {
    const address = this.countAddress(call);
    const { headers, url } = call.req.raw;
    try {
      const grant = this.#authorize({ address, headers, url });
      if (!(grant instanceof Promise)) return this.#counted(grant);
      return grant.then(
        (found) => this.#counted(found),
        (error: unknown) => this.refuse(address, error),
      );
    } catch (error) {
      return this.refuse(address, error);
    }
  }

  /** Whether a request that was let in would be let in now. Counts nothing. @throws {WakebusError} `UNAUTHENTICATED`, `FORBIDDEN`, `UNAVAILABLE`. */
  recheck(call: Call): Grant | Promise<Grant> {
    const { headers, url } = call.req.raw;
    return this.#authorize({ address: this.addressOf(call), headers, url });
  }

  /** Counts a request against its address. @returns the address. @throws {WakebusError} `RATE_LIMITED`. */
  countAddress(call: Call): string {
    const address = this.addressOf(call);
    this.#failures.check(address, `The address ${address}`);
    this.#addressRates.count(address, `The address ${address}`);
    return address;
  }

  /** The raw bytes of a request. @param limitBytes - @default that of an event. @throws {WakebusError} as {@link readBody}. */
  bodyOf(call: Call, limitBytes: number = this.limits.bodyBytes): Promise<Uint8Array> {
    return readBody(call.req.raw, call.env?.incoming, { limitBytes, arrivalMs: this.limits.arrivalMs });
  }

  /** Counts a failure against an address, and throws it. */
  refuse(address: string, error: unknown): never {
    if (isWakebusError(error, 'UNAUTHENTICATED') || isWakebusError(error, 'SIGNATURE_INVALID'))
      this.#failures.count(address, `The address ${address}`);
    throw error;
  }

  /** Writes down, beside the answer, that a caller may not act as an operator. Beyond some a second it is counted out. */
  noteRefusal(grant: Grant, action: AuditAction, about: string): void {
    try {
      this.#refusals.count(grant.id, `The token ${grant.id}`);
    } catch {
      return;
    }
    void this.client.noteRefusal(action, about, 'FORBIDDEN', { by: callerName(grant) });
  }

  /** Holds the slots of a waiting call. @throws {WakebusError} `OVERLOADED`. */
  waiting<T>(grant: Grant, work: () => Promise<T>): Promise<T> {
    return this.#waitsPerToken.during(grant.id, () => this.waits.during(work));
  }

  /** The caller's network address. Where no server of Node.js is below, all come from one. */
  addressOf(call: Call): string {
    const direct = call.env?.incoming?.socket.remoteAddress ?? 'unknown';
    if (this.#trustedProxies === 0) return direct;
    const forwarded = (call.req.header('x-forwarded-for') ?? '').split(',').map((part) => part.trim());
    return forwarded.at(-this.#trustedProxies) || direct;
  }

  #counted(grant: Grant): Grant {
    this.#tokenRates.count(grant.id, `The token ${grant.id}`, grant.perSecond);
    return grant;
  }
}
