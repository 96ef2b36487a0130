/**
 * What may be wrong with one agent, in the order in which to look: its checkpoint, its log, what should have
 * woken it, what was tried again, and who was to give it up. Read-only, and waking nobody.
 *
 * Each part takes what was read and says what it means; what is read, and how, is in `agent-evidence.ts`.
 */
import { type AgentInspection, OVERDUE_AFTER_MS } from '@wakebus/client';
import { RECORD_WARN_BYTES, splitKey } from '@wakebus/protocol';
import type { AgentEvidence } from './agent-evidence.ts';
import { needing } from './census.ts';
import { bytes, count, counted, duration, oneLine, since } from './human.ts';

/** The parts, in the order in which they are looked at. */
type FindingPart = 'checkpoint' | 'log' | 'wakes' | 'retries' | 'releases';

/** One thing that was seen. What is wrong says what to do. */
export interface Finding {
  readonly part: FindingPart;
  readonly isWrong: boolean;
  readonly text: string;
}

/** What a session needs to take a message that has just come, in milliseconds: below that nothing is wrong yet. */
const PATIENCE_MS = 10_000;

type Say = (isWrong: boolean, text: string) => Finding;

/** All findings, in order. */
export function findingsOf(evidence: AgentEvidence): Finding[] {
  const parts: Record<FindingPart, (evidence: AgentEvidence, say: Say) => Finding[]> = {
    checkpoint: checkpointFindings,
    log: logFindings,
    wakes: wakeFindings,
    retries: retryFindings,
    releases: releaseFindings,
  };
  return Object.entries(parts).flatMap(([name, find]) => {
    const part = name as FindingPart;
    const say: Say = (isWrong, text) => ({ part, isWrong, text });
    const found = find(evidence, say);
    return found.length > 0 ? found : [say(false, 'nothing')];
  });
}

function checkpointFindings({ agent, nodes, nowMs }: AgentEvidence, say: Say): Finding[] {
  const { key, lifecycle, machineVersion, revision, sizes, turns, updatedMs } = agent;
  const stands = needing.has(lifecycle.name);
  const why = lifecycle.message === undefined ? '' : `: ${oneLine(lifecycle.message)}`;
  const mend =
    lifecycle.name === 'quarantined' ? 'Look at its record before anything else' : 'Mend the cause, then release it';
  const { type } = splitKey(key);
  const known = Math.max(0, ...nodes.map(({ types }) => types[type] ?? 0));
  return [
    say(
      false,
      `revision ${revision}, ${counted(turns, 'turn')}, the last ${since(updatedMs, nowMs)}, ${bytes(sizes.recordBytes)}`,
    ),
    say(
      stands,
      `${lifecycle.name} since ${duration(Math.max(0, nowMs - lifecycle.sinceMs))}${why}${stands ? `. ${mend}` : ''}`,
    ),
    ...(sizes.recordBytes < RECORD_WARN_BYTES
      ? []
      : [
          say(
            true,
            `its record is ${bytes(sizes.recordBytes)} of at most 768 KB: the next turn over that is not taken. Make its context smaller`,
          ),
        ]),
    ...(known === 0 || machineVersion <= known
      ? []
      : [
          say(
            true,
            `its state is of version ${machineVersion}, and the placement nodes know ${known}: deploy the newer one`,
          ),
        ]),
  ];
}

function logFindings({ agent, lastEntry, nodes, nowMs }: AgentEvidence, say: Say): Finding[] {
  const { address, journal, maybe, outbox, turns, updatedMs } = agent;
  const living = new Set(nodes.map(({ nodeId }) => nodeId));
  const isBehind = lastEntry !== undefined && lastEntry.turn < turns && nowMs - updatedMs > PATIENCE_MS;
  return [
    ...(lastEntry === undefined
      ? [say(false, 'history has nothing of it: it is older than the stream keeps, or history is switched off')]
      : [
          say(
            isBehind,
            `history reaches to turn ${lastEntry.turn} of ${turns}${isBehind ? ': its last commits were not stored. Is the history stream there, and writable?' : ''}`,
          ),
        ]),
    ...journal.map((entry) => say(...effectFinding(entry, { address, living, nowMs }))),
    ...outbox.map(({ to, event, atMs }) => {
      const isStalled = nowMs - atMs > OVERDUE_AFTER_MS;
      return say(
        isStalled,
        `${oneLine(event.type)} to ${oneLine(to)} was not relayed for ${duration(nowMs - atMs)}${isStalled ? ': is the inbox full? wakebus status' : ''}`,
      );
    }),
    ...maybe.map(({ to, event }) =>
      say(
        true,
        `${oneLine(event.type)} to ${oneLine(to)} is too old to be sent by itself: look whether it came, and send it again if not`,
      ),
    ),
  ];
}

function effectFinding(
  { id, key, state, attempt, node = '', deadlineMs = Infinity, error }: AgentInspection['journal'][number],
  { address, living, nowMs }: { address: string; living: ReadonlySet<string>; nowMs: number },
): [isWrong: boolean, text: string] {
  const what = `effect ${oneLine(id)}, ${counted(attempt, 'attempt')}, key ${oneLine(key)}`;
  const why = error === undefined ? '' : `: ${oneLine(error.message)}`;
  if (state === 'maybe')
    return [
      true,
      `${what}: nobody knows whether it happened. Ask its receiver, then: wakebus effects resolve ${oneLine(address)} ${oneLine(id)} done|failed|retry`,
    ];
  if (state !== 'started') return [false, `${what} is ${state}${why}`];
  if (!living.has(node))
    return [
      true,
      `${what} was started by ${oneLine(node)}, which is gone: another placement node will judge it, if one runs this type`,
    ];
  if (nowMs > deadlineMs + PATIENCE_MS)
    return [
      true,
      `${what} has passed its deadline on ${oneLine(node)} ${since(deadlineMs, nowMs)}, and nobody judged it: is the timers stream there?`,
    ];
  return [false, `${what} runs on ${oneLine(node)}`];
}

function wakeFindings(
  { agent, armed, consumerIsThere, nodes, oldestWaitingMs, nowMs }: AgentEvidence,
  say: Say,
): Finding[] {
  const { earlyCount, held, key, timers, waiting } = agent;
  const { type } = splitKey(key);
  const serving = nodes.filter(({ types }) => types[type] !== undefined);
  const waitsMs = oldestWaitingMs === undefined ? 0 : nowMs - oldestWaitingMs;
  const isMissed = waiting > 0 && waitsMs > PATIENCE_MS && agent.attempt === undefined;
  return [
    say(
      serving.length === 0,
      serving.length === 0
        ? `no living placement node runs "${type}": start one`
        : `${counted(serving.length, 'placement node')} can run it`,
    ),
    ...(consumerIsThere
      ? []
      : [say(true, 'the consumer of its partition is gone: restart the placement nodes of its pool')]),
    say(
      isMissed,
      `${counted(waiting, 'message')} ${waiting === 1 ? 'waits' : 'wait'}${waiting === 0 ? '' : `, the oldest for ${duration(waitsMs)}`}${isMissed ? ': nobody takes them. See the parts around this one; wakebus doctor looks at the whole deployment' : ''}`,
    ),
    ...timers.map(({ id, dueMs, generation }) => {
      const name = `timer ${oneLine(id)}`;
      if (nowMs - dueMs > OVERDUE_AFTER_MS)
        return say(
          true,
          `${name} should have fired ${since(dueMs, nowMs)}, and has not: the audit of a placement node wakes it within minutes, if one runs`,
        );
      const isLost = dueMs > nowMs && !armed.has(String(generation));
      return say(
        isLost,
        isLost
          ? `${name} has no schedule in the timers stream: it fires only by the audit`
          : `${name} fires ${dueMs > nowMs ? `in ${duration(dueMs - nowMs)}` : 'now'}`,
      );
    }),
    ...(held === undefined ? [] : [say(false, `messages up to ${held.upTo} stand aside, and come first once it runs`)]),
    ...(earlyCount === 0
      ? []
      : [
          say(
            false,
            `${counted(earlyCount, 'message')} came before the one that its sender numbered before it, and wait for that`,
          ),
        ]),
  ];
}

function retryFindings({ agent, deadLetters, nowMs }: AgentEvidence, say: Say): Finding[] {
  const { attempt } = agent;
  const last = deadLetters.last;
  return [
    ...(attempt === undefined
      ? []
      : [
          say(
            true,
            `message ${attempt.seq} has failed ${counted(attempt.count, 'time')}: ${oneLine(attempt.reason)}. Next try ${attempt.retryMs > nowMs ? `in ${duration(attempt.retryMs - nowMs)}` : 'now'}`,
          ),
        ]),
    ...(last === undefined
      ? []
      : [
          say(
            true,
            `${count(deadLetters.count)} in the dead letters, the last ${since(last.atMs, nowMs)}: message ${last.seq}, ${last.code}, after ${counted(last.attempts, 'attempt')}. ${oneLine(last.message)}`,
          ),
        ]),
  ];
}

function releaseFindings({ agent, nodes }: AgentEvidence, say: Say): Finding[] {
  const { lease } = agent;
  if (lease.holder === '') return [say(false, `nobody holds it; the last epoch was ${lease.epoch}`)];
  const node = nodes.find(({ nodeId }) => nodeId === lease.holder);
  if (!lease.live)
    return [
      say(
        true,
        `${oneLine(lease.holder)} held it and is gone without a release (epoch ${lease.epoch}): its next message is taken over by another placement node`,
      ),
    ];
  const isLeaving = node?.state === 'draining';
  return [
    say(
      false,
      `${oneLine(lease.holder)} holds it, epoch ${lease.epoch}${isLeaving ? ', and is draining: it gives it up' : ''}`,
    ),
  ];
}
