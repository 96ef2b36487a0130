/**
 * The region in which an agent tells GitHub of itself: once in its life, by an effect.
 */
import { type EffectArgs, effect, sleepNow } from '@wakebus/core';
import type { PromiseActorLogic } from 'xstate';
import type { DemoContext, DemoEvent, Region, Summary } from './ledger.ts';

/** An attempt may take so long, in milliseconds: that of a node which is killed is given up soon after. */
const TIMEOUT_MS = 2_000;
/** What fails is tried again within so long at first, in milliseconds. */
const BACKOFF_MS = 100;
/** GitHub remembers a key for longer than the demo runs, in milliseconds. */
const KEY_HORIZON_MS = 3_600_000;

/** Posts summaries to a URL. GitHub honours the key, so that what nobody knows about is asked for again. */
export function summaryTo(url: string): PromiseActorLogic<unknown, Summary> {
  return effect({
    run: async ({ input, idempotencyKey, signal }: EffectArgs<Summary>) => {
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey };
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(input), signal });
      if (!answer.ok) throw new Error(`GitHub has answered ${answer.status}`);
      return answer.json();
    },
    dedupe: 'key',
    keyHorizonMs: KEY_HORIZON_MS,
    timeoutMs: TIMEOUT_MS,
    retry: { backoffMs: BACKOFF_MS },
  });
}

/** A delivery of GitHub's about this very agent, and no report of another one. */
function isDelivery({ event }: { event: DemoEvent }): boolean {
  return event.delivery !== undefined && event.from === undefined;
}

function summaryOf({ context, event }: { context: DemoContext; event: DemoEvent }): Summary {
  return { about: context.address, text: `${context.address} is known since ${event.type} (${event.delivery})` };
}

/** Posts one summary when the agent is first delivered something, and sleeps while that is on its way. */
export const summary: Region = {
  initial: 'none',
  states: {
    none: { on: { '*': { guard: isDelivery, target: 'posting' } } },
    posting: {
      invoke: {
        id: 'summary',
        src: 'summarize',
        input: summaryOf,
        onDone: { target: 'posted', actions: sleepNow() },
        onError: { target: 'failed', actions: sleepNow() },
      },
    },
    posted: {},
    failed: {},
  },
};
