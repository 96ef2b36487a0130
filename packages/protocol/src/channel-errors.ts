/** The part of the table of errors that answering on a channel gives; `errors.ts` has the rest. */
import type { ErrorSpec } from './error-spec.ts';

/** The facts that they carry, by code. */
export interface ChannelFacts {
  CHANNEL_UNKNOWN: { channel: string; known: string };
  CHANNEL_REFUSED: { service: string; status: number; why: string };
  CHANNEL_BUSY: { service: string; retryMs: number };
  CHANNEL_ADDRESS_EXPIRED: { channel: string };
}

export const channelErrors: { readonly [C in keyof ChannelFacts]: ErrorSpec<ChannelFacts[C]> } = {
  CHANNEL_UNKNOWN: {
    next: 'terminal',
    message: (f) => `There is no channel "${f.channel}"; known are ${f.known}. Name it as its webhook is named.`,
  },
  CHANNEL_REFUSED: {
    next: 'terminal',
    message: (f) => `${f.service} refused with ${f.status}: ${f.why}. Nothing was sent.`,
  },
  CHANNEL_BUSY: {
    next: 'retryable',
    message: (f) => `${f.service} takes no more for ${f.retryMs} ms. Nothing was sent; try again after that.`,
  },
  CHANNEL_ADDRESS_EXPIRED: {
    next: 'terminal',
    message: (f) =>
      `The address to answer at on "${f.channel}" is good no more, and it has no fallback that is. Answer sooner, or give it one.`,
  },
};
