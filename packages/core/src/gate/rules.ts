/** Built-in rules of a gate that decide on one event at a time: what it is, whence it comes, whether the machine would take it. */
import type { AgentRule, AskingRule, EventRule, GateAgent, GateEvent, Verdict } from './gate.ts';

/** What schema libraries have in common (the Standard Schema interface, version 1): Zod, Valibot, ArkType and others have it. */
export interface Schema {
  readonly '~standard': {
    readonly validate: (value: unknown) => unknown;
  };
}

/** Drops events of a known type that no present state of the machine has a transition for. Guards are not asked: they may depend on the context, which is not decoded for this. */
export function ifTaken(): AgentRule {
  return {
    name: 'ifTaken',
    sees: 'agent',
    judge: ({ event }, { takes, state }) =>
      takes(event.type)
        ? undefined
        : { kind: 'drop', reason: `it has no transition for it in its present state, ${JSON.stringify(state)}` },
  };
}

/**
 * Drops events whose data does not fit.
 *
 * @param schemas - By event type; types that are not named pass. A schema gets the whole event and must answer at once.
 */
export function fits(schemas: Readonly<Record<string, Schema>>): EventRule {
  return {
    name: 'fits',
    sees: 'event',
    judge: ({ event }) => {
      if (!Object.hasOwn(schemas, event.type)) return undefined;
      const reason = misfit((schemas[event.type] as Schema)['~standard'].validate(event));
      return reason === undefined ? undefined : { kind: 'drop', reason };
    },
  };
}

/** Says what does not fit, in the words of the schema. */
function misfit(result: unknown): string | undefined {
  const { issues } = result as {
    issues?: ReadonlyArray<{ message: string; path?: ReadonlyArray<PropertyKey | { key: PropertyKey }> }>;
  };
  const [first] = issues ?? [];
  if (first === undefined) return undefined;
  const path = (first.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path === '' ? first.message : `${path}: ${first.message}`;
}

/**
 * Drops events that come from elsewhere.
 *
 * @param sources - Agent addresses, or `type/*` for all of a type; `outside` for whoever is no agent.
 */
export function onlyFrom(sources: readonly string[]): EventRule {
  return {
    name: 'onlyFrom',
    sees: 'event',
    judge: ({ from }) =>
      sources.some((source) => isFrom(from, source))
        ? undefined
        : { kind: 'drop', reason: `it takes nothing from ${from ?? 'outside'}` },
  };
}

function isFrom(from: string | undefined, source: string): boolean {
  if (from === undefined) return source === 'outside';
  return source.endsWith('/*') ? from.startsWith(source.slice(0, -1)) : from === source;
}

/**
 * Lets a part of the events in, and drops the others. The same event always gets the same answer.
 *
 * @param share - 0 to 1.
 */
export function sample(share: number): EventRule {
  return {
    name: 'sample',
    sees: 'event',
    judge: ({ id, event }) =>
      fractionOf(`${event.type}:${id}`) < share
        ? undefined
        : { kind: 'drop', reason: `it is not among the ${share * 100} % that are taken` },
  };
}

/** 0 to 1, from a text: FNV-1a with 32 bits, mixed as in MurmurHash 3 because the last characters of IDs differ most. */
function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** What {@link ask} is told. */
export interface AskOptions {
  readonly name: string;
  readonly ask: (event: GateEvent, agent: GateAgent, signal: AbortSignal) => Promise<Verdict | undefined>;
  /** How long the answer may take, in milliseconds. @default 2,000 – a small model answers in less, and the agent's other messages wait meanwhile */
  readonly timeoutMs?: number;
  /** What holds when it throws or takes longer. @default `{ kind: 'wake' }` – an event is not lost because a model was down */
  readonly onFailure?: Verdict;
}

/** Asks somebody, such as a small model, whether an event is worth a wake. */
export function ask({ name, ask: put, timeoutMs = 2_000, onFailure = { kind: 'wake' } }: AskOptions): AskingRule {
  return { name, sees: 'agent', ask: put, timeoutMs, onFailure };
}
