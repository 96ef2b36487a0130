/** Answers in JSON. */
import { JSON_TYPE, toJson } from '@wakebus/protocol';

/** Any durable value as an answer. */
export function json(value: unknown, status: number = 200, more: Readonly<Record<string, string>> = {}): Response {
  return new Response(toJson(value), { status, headers: { 'Content-Type': JSON_TYPE, ...more } });
}
