/** What an operator may do to agents, each with its command line. */
import { act, agentPath } from '../api/gateway.ts';
import type { Action, ActionField, Filled } from './asking.ts';
import { commandLine, counted } from './words.ts';

function reasonOf({ reason = '' }: Filled): { readonly reason?: string } {
  return reason === '' ? {} : { reason };
}

function reasonFlags({ reason = '' }: Filled): string[] {
  return reason === '' ? [] : ['--reason', reason];
}

interface Verb {
  /** As the gateway calls it. */
  readonly control: string;
  /** As the command line does. */
  readonly command: string;
  readonly title: string;
  readonly text: string;
  readonly fields?: readonly ActionField[];
  readonly destroys?: boolean;
}

export type AgentVerb = 'suspend' | 'resume' | 'recover' | 'remove';
export const agentVerbs: readonly AgentVerb[] = ['suspend', 'resume', 'recover', 'remove'];

const verbs: Readonly<Record<AgentVerb, Verb>> = {
  suspend: {
    control: 'suspend',
    command: 'suspend',
    title: 'Suspend',
    text: 'It takes no more events until it is resumed. What comes for it waits, in order.',
  },
  resume: {
    control: 'release',
    command: 'resume',
    title: 'Resume',
    text: 'It takes events again, those that stood aside first.',
  },
  recover: {
    control: 'recover',
    command: 'recover',
    title: 'Recover',
    text: 'It runs again at once. One in quarantine needs a decision: keep goes on from the state that is stored, anew gives it up.',
    fields: [
      {
        name: 'decision',
        label: 'Decision',
        kind: 'choice',
        choices: ['', 'keep', 'anew'],
        hint: 'Only for agents in quarantine',
      },
    ],
  },
  remove: {
    control: 'remove',
    command: 'remove',
    title: 'Remove',
    text: 'Its state goes for good; a tombstone stays.',
    destroys: true,
  },
};

/** What may be done to an agent in a lifecycle. */
export function verbsFor(lifecycle: string): AgentVerb[] {
  if (lifecycle === 'removed') return [];
  if (lifecycle === 'suspended') return ['resume', 'remove'];
  if (lifecycle === 'failed' || lifecycle === 'backoff') return ['recover', 'resume', 'suspend', 'remove'];
  if (lifecycle === 'quarantined') return ['recover', 'remove'];
  return lifecycle === 'completed' ? ['remove'] : ['suspend', 'remove'];
}

/** One of the verbs, on these agents. */
export function agentAction(name: AgentVerb, targets: readonly string[]): Action {
  const verb = verbs[name];
  const whom = targets.length === 1 ? (targets[0] ?? '') : counted(targets.length, 'agent');
  return {
    title: `${verb.title} ${whom}`,
    text: verb.text,
    targets,
    ...(verb.fields !== undefined && { fields: verb.fields }),
    ...(verb.destroys === true && { typed: targets.length === 1 ? whom : String(targets.length) }),
    button: verb.title,
    command: (filled) =>
      commandLine('agents', verb.command, ...targets, ...decisionFlags(filled), ...reasonFlags(filled)),
    run: (target, filled) => {
      const { decision = '' } = filled;
      const body = { ...reasonOf(filled), ...(decision !== '' && { decision }) };
      return act('POST', `${agentPath(target)}/control/${verb.control}`, body);
    },
  };
}

function decisionFlags({ decision = '' }: Filled): string[] {
  return decision === '' ? [] : [`--${decision}`];
}

/** An event from the operator, and the answer to it. */
export function sendAction(address: string, events: readonly string[], example: (event: string) => string): Action {
  const names = events.filter((name) => !name.includes('*'));
  const [first = ''] = names;
  const event: ActionField =
    names.length > 0
      ? { name: 'event', label: 'Event', kind: 'choice', choices: names, initial: first }
      : { name: 'event', label: 'Event', kind: 'text' };
  return {
    title: `Send to ${address}`,
    text: 'This wakes the agent. The answer comes after the commit.',
    targets: [address],
    takesReason: false,
    fields: [
      event,
      { name: 'payload', label: 'Payload', kind: 'json', initial: example(first), hint: 'JSON; may be empty' },
    ],
    onChange: (name, filled) => (name === 'event' ? { ...filled, payload: example(filled['event'] ?? '') } : filled),
    button: 'Send',
    command: ({ event: name = '', payload = '' }) =>
      commandLine('send', address, name, ...(payload.trim() === '' ? [] : [compact(payload)]), '--wait'),
    run: async (target, { event: name = '', payload = '' }) => {
      const body: unknown = payload.trim() === '' ? undefined : JSON.parse(payload);
      const answer = await act('POST', `${agentPath(target)}/${encodeURIComponent(name)}?wait=10`, body);
      return answer ?? 'taken, without an answer';
    },
  };
}

function compact(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json));
  } catch {
    return json;
  }
}

/** An operator's word on an effect of which nobody knows whether it happened. */
export function resolveAction(address: string, effect: string, key: string): Action {
  return {
    title: `Resolve ${effect} of ${address}`,
    text: `Nobody knows whether it happened. Ask its receiver, under the key ${key}. done and failed are told to the agent; retry runs it once more.`,
    targets: [address],
    takesReason: false,
    fields: [
      { name: 'as', label: 'It is', kind: 'choice', choices: ['done', 'failed', 'retry'], initial: 'done' },
      { name: 'value', label: 'Output, or why it failed', kind: 'json', hint: 'JSON; may be empty' },
    ],
    button: 'Resolve',
    command: ({ as = '', value = '' }) =>
      commandLine('effects', 'resolve', address, effect, as, ...(value.trim() === '' ? [] : [compact(value)])),
    run: (target, { as, value = '' }) =>
      act('POST', `${agentPath(target)}/effects/${encodeURIComponent(effect)}`, {
        as,
        ...(value.trim() !== '' && { value: JSON.parse(value) as unknown }),
      }),
  };
}

/** A timer that comes now, or not at all. */
export function timerAction(verb: 'fire' | 'cancel', address: string, timer: string): Action {
  const path = `${agentPath(address)}/timers/${encodeURIComponent(timer)}`;
  return {
    title: verb === 'fire' ? `Fire ${timer} of ${address}` : `Cancel ${timer} of ${address}`,
    text:
      verb === 'fire'
        ? 'It comes now, and not again when it is due; a schedule goes on with the occurrence after it.'
        : 'It does not come any more. Only its agent can arm it again.',
    targets: [address],
    ...(verb === 'cancel' && { typed: timer }),
    button: verb === 'fire' ? 'Fire' : 'Cancel it',
    command: () => commandLine('timers', verb, address, timer),
    run: (_target, filled) =>
      verb === 'fire' ? act('POST', `${path}/fire`, reasonOf(filled)) : act('DELETE', path, reasonOf(filled)),
  };
}

/** Dead letters once more, or thrown away. */
export function letterAction(verb: 'replay' | 'discard', letters: readonly number[]): Action {
  const whom = letters.length === 1 ? `dead letter ${letters[0]}` : counted(letters.length, 'dead letter');
  const ids = letters.map(String);
  return {
    title: verb === 'replay' ? `Replay ${whom}` : `Discard ${whom}`,
    text:
      verb === 'replay'
        ? 'The event is sent to its agent again, which wakes it. Twice is once: the agent knows a replay again.'
        : 'It is thrown away for good, with its payload.',
    targets: ids,
    ...(verb === 'discard' && { typed: letters.length === 1 ? String(letters[0]) : String(letters.length) }),
    button: verb === 'replay' ? 'Replay' : 'Discard',
    command: (filled) => commandLine('dead', verb, ...ids, ...reasonFlags(filled)),
    run: (id, filled) =>
      verb === 'replay'
        ? act('POST', `dead-letters/${id}/replay`, reasonOf(filled))
        : act('DELETE', `dead-letters/${id}`, reasonOf(filled)),
  };
}

/** All that stands aside for an agent is thrown away. */
export function clearHeldAction(address: string): Action {
  return {
    title: `Discard all that waits for ${address}`,
    text: 'Every message that stands aside for it is thrown away for good.',
    targets: [address],
    typed: address,
    button: 'Discard all',
    command: (filled) => commandLine('dead', 'discard', '--held', address, ...reasonFlags(filled)),
    run: (target, filled) => act('DELETE', `${agentPath(target)}/held`, reasonOf(filled)),
  };
}
