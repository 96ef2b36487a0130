/** A notebook of one chat: it notes what it is told, and answers by an effect while it sleeps. */
import { type ChannelAddress, channelReply, telegram } from '@wakebus/channels';
import { defineAgent, effect } from '@wakebus/core';
import { assign, setup } from 'xstate';

const apiUrl = process.env['TELEGRAM_API'];
const bot = telegram({
  token: () => process.env['TELEGRAM_TOKEN'] ?? '',
  ...(apiUrl !== undefined && { apiUrl }),
});

interface Told {
  readonly type: 'told';
  readonly text: string;
  readonly replyTo: ChannelAddress;
}

interface Answer {
  readonly to: ChannelAddress;
  readonly text: string;
}

const machine = setup({
  types: { context: {} as { notes: string[]; answers: Answer[] }, events: {} as Told },
  // Under the name of the webhook that brings its events.
  actors: { answer: effect(channelReply({ telegram: bot })) },
  actions: { forget: assign({ answers: ({ context }) => context.answers.slice(1) }) },
}).createMachine({
  context: { notes: [], answers: [] },
  initial: 'listening',
  // Also while an answer is on its way: the next one waits in line.
  on: {
    told: {
      actions: assign(({ context, event }) => {
        const notes = [...context.notes, event.text];
        const text = `Noted: ${event.text}. That makes ${notes.length}.`;
        return { notes, answers: [...context.answers, { to: event.replyTo, text }] };
      }),
    },
  },
  states: {
    listening: { always: { guard: ({ context }) => context.answers.length > 0, target: 'answering' } },
    answering: {
      invoke: {
        id: 'answer',
        src: 'answer',
        input: ({ context }) => context.answers[0] as Answer,
        onDone: { target: 'listening', actions: 'forget' },
        // A chat that is gone, or a message of which nobody knows: this notebook leaves it at that.
        onError: { target: 'listening', actions: 'forget' },
      },
    },
  },
});

/** A notebook. */
export const notebook = defineAgent({ type: 'notebook', machine, sleep: { afterMs: 0 } });
