/**
 * Names of message headers. `Nats-*` is the server's; anything else of ours starts with `Wakebus-`.
 */

export const header = {
  /** Dedupe key of a publish. On the wire our clients write `<agent key>:<ID>`, because the server's window spans the stream. */
  messageId: 'Nats-Msg-Id',
  contentType: 'Content-Type',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  /** Subject that the answer of a call goes to; `reply` itself is taken by JetStream's acknowledgement. */
  reply: 'Wakebus-Reply',
  /** When the caller stops waiting, in milliseconds since the epoch. */
  deadline: 'Wakebus-Deadline',
  /** Reason of a dead letter: an error code. */
  reason: 'Wakebus-Reason',
  /** Tries before a message was given up. */
  attempts: 'Wakebus-Attempts',
  /** The subject under which a dead or held message was stored. */
  originalSubject: 'Wakebus-Subject',
  /** The inbox sequence of a dead or held message. */
  originalSequence: 'Wakebus-Sequence',
} as const;

/** Headers as a plain map: one value a name, which is all that Wakebus writes. */
export type Headers = Readonly<Record<string, string>>;

/** The message ID on the wire for an ID chosen by the caller. */
export function wireMessageId(key: string, id: string): string {
  return `${key}:${id}`;
}

/** The caller's own ID behind one on the wire; a plain publisher's comes back as it is. */
export function callerMessageId(key: string, wireId: string): string {
  return wireId.startsWith(`${key}:`) ? wireId.slice(key.length + 1) : wireId;
}
