/**
 * Payloads as text for spans, where somebody asked for them: without what is named like a secret, and cut.
 *
 * Redaction happens here, before anything leaves the process; no collector is trusted to do it.
 */

/** Longest text, in characters: spans with several of them still fit what collectors take. */
const LIMIT = 4_096;
/** Deepest nesting that is written. */
const DEPTH = 8;
const SECRET =
  /pass(word|wd|phrase)?|secret|token|api[-_]?key|auth|cookie|credential|private|signature|session[-_]?id/i;
const REDACTED = '[redacted]';

/** A payload as JSON. */
export function payloadText(payload: unknown): string {
  const text = JSON.stringify(redacted(payload, 0)) ?? '';
  return text.length <= LIMIT ? text : `${text.slice(0, LIMIT)}…`;
}

function redacted(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value;
  if (depth >= DEPTH) return '[…]';
  if (value instanceof Map) return redacted(Object.fromEntries(value), depth);
  if (value instanceof Set) return redacted([...value], depth);
  if (value instanceof Error)
    return redacted({ ...Object.fromEntries(Object.entries(value)), name: value.name }, depth);
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [field, SECRET.test(field) ? REDACTED : redacted(inner, depth + 1)]),
  );
}
