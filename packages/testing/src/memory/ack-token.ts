/** Acknowledgement tokens: which message of which consumer somebody answers for. Anybody may use one. */

export interface AckToken {
  readonly stream: string;
  readonly consumer: string;
  readonly seq: number;
}

const SEPARATOR = ' ';

/** A token; each delivery has its own. */
export function writeAckToken({ stream, consumer, seq }: AckToken, deliverySeq: number): string {
  return [stream, consumer, seq, deliverySeq].join(SEPARATOR);
}

/** What a token says; `undefined` for a text that is none. */
export function readAckToken(token: string): AckToken | undefined {
  const [stream, consumer, seq] = token.split(SEPARATOR);
  if (stream === undefined || consumer === undefined || seq === undefined) return undefined;
  return { stream, consumer, seq: Number(seq) };
}
