/**
 * What a delivery becomes: by a function, or by texts with JSON pointers in them, which a configuration file can hold.
 * What else such a file says of things that come in, as messages of a stream, is read by the same rules.
 */
import type { ChannelAddress } from '@wakebus/channels';
import { pointTo } from './pointer.ts';

/** A delivery whose sender is believed. */
export interface WebhookDelivery {
  /** The webhook's name. */
  readonly source: string;
  /** The sender's own ID. */
  readonly id: string;
  readonly body: unknown;
  readonly headers: Headers;
  /** Where it can be answered, if the webhook asks for that. */
  readonly replyTo?: ChannelAddress;
}

/** An event that a delivery becomes. */
export interface WebhookEvent {
  /** `<type>/<id>` */
  readonly agent: string;
  readonly event: string;
  /** An object's fields become fields of the event; anything else its `data`. @default none */
  readonly data?: unknown;
}

/** Returns what the delivery becomes: one event, several (to different agents), or nothing. Must not have effects: it may run twice. */
export type MapFunction = (delivery: WebhookDelivery) => WebhookEvent | readonly WebhookEvent[] | undefined;

/**
 * The same in texts. `{/issue/number}` is what the pointer leads to in the body, `{header:x-github-event}` a header;
 * where one leads to nothing, the rule does not fit.
 */
export interface MapRule {
  readonly agent: string;
  readonly event: string;
  /** A pointer, or a pointer for each field. @default "" – the whole body */
  readonly data?: string | Readonly<Record<string, string>>;
}

/** A function; a rule; or several, of which the first that fits decides. */
export type Mapping = MapFunction | MapRule | readonly MapRule[];

/** What a delivery becomes. Nothing: the webhook is not interested in it. */
export function mapDelivery(mapping: Mapping, delivery: WebhookDelivery): readonly WebhookEvent[] {
  if (typeof mapping === 'function') {
    const events = mapping(delivery) ?? [];
    return isList(events) ? events : [events];
  }
  const { body, headers } = delivery;
  const event = applyRules(mapping, { body, header: (name) => headers.get(name) ?? undefined });
  return event === undefined ? [] : [event];
}

/** What the places of a rule are filled from. */
export interface RuleSubject {
  /** What pointers lead into. */
  readonly body: unknown;
  readonly header: (name: string) => string | undefined;
}

/** What the first rule that fits makes of something. */
export function applyRules(rules: MapRule | readonly MapRule[], subject: RuleSubject): WebhookEvent | undefined {
  for (const { agent, event, data = '' } of isList(rules) ? rules : [rules]) {
    const [address, name] = [fillPlaces(agent, subject), fillPlaces(event, subject)];
    if (address !== undefined && name !== undefined)
      return { agent: address, event: name, data: pick(data, subject.body) };
  }
  return undefined;
}

/** What is wrong with rules as a file holds them, or nothing. */
export function faultOfRules(rules: unknown): string | undefined {
  const list: ReadonlyArray<Partial<MapRule> | null | undefined> = Array.isArray(rules) ? rules : [rules];
  const areGood = list.every((rule) => typeof rule?.agent === 'string' && typeof rule.event === 'string');
  return areGood ? undefined : 'its map needs "agent" and "event"';
}

/** A text with its places filled in, or nothing when one of them stays empty. */
export function fillPlaces(text: string, { body, header: headerOf }: RuleSubject): string | undefined {
  let isWhole = true;
  const filled = text.replaceAll(/\{(?:header:([^}]+)|(\/[^}]*))\}/g, (_place, header?: string, pointer?: string) => {
    const value = header === undefined ? pointTo(body, pointer ?? '') : headerOf(header);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
    isWhole = false;
    return '';
  });
  return isWhole ? filled : undefined;
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

function pick(data: NonNullable<MapRule['data']>, body: unknown): unknown {
  if (typeof data === 'string') return pointTo(body, data);
  return Object.fromEntries(Object.entries(data).map(([name, pointer]) => [name, pointTo(body, pointer)]));
}
