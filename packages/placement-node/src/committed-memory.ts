/**
 * The memory of an awake agent as its record has it, and the next commit on top of that.
 *
 * Each commit stands on the revision that the one before has left. What a commit is for, and what leaves after
 * it, is `activation.ts`; how one is told from a lost one, `commit.ts`.
 */
import type { AgentMemory } from '@wakebus/core';
import {
  type AgentRecord,
  RECORD_LIMIT_BYTES,
  asStored,
  attribute,
  encode,
  encodeRecord,
  span,
} from '@wakebus/protocol';
import type { Attributes } from '@opentelemetry/api';
import { type CommitPorts, commitRecord } from './commit.ts';
import { announce, changesOf } from './live.ts';
import type { NodeContext } from './node-context.ts';
import { Freezer } from './objects/freezer.ts';
import { tooLarge } from './record-changes.ts';
import type { RunningSpan } from './telemetry/running-span.ts';
import { commitFacts } from './telemetry/turn-span.ts';

/** Dedupe IDs kept in the record itself; more than this go into a chunk. 600 IDs are some 24 KB, rewritten with every commit. */
const SEEN_IN_RECORD = 600;

export class CommittedMemory {
  readonly #context: NodeContext;
  readonly #ports: CommitPorts;
  readonly #freezer: Freezer;
  readonly #wake: string;
  #memory: AgentMemory;
  #revision: number;
  /** Of the next commit. One that leaves the agent asleep is followed by a claim, which takes another. */
  #epoch: number;
  #recordBytes = 0;
  #isClaimed = false;
  #isHeld = false;

  /**
   * @param memory - As it was read.
   * @param wake - The subject that has woken the agent.
   */
  constructor(context: NodeContext, memory: AgentMemory, revision: number, wake: string) {
    this.#context = context;
    this.#memory = memory;
    this.#revision = revision;
    this.#epoch = memory.record.lease.epoch + 1;
    this.#wake = wake;
    this.#freezer = new Freezer(context.ports, context.limits, memory);
    this.#ports = {
      agents: context.ports.agents,
      clock: context.ports.clock,
      onUnanswered: () => context.health.beginUnanswered(memory.definition.type),
      mayAct: () => context.membership.mayAct(),
      fenced: !context.sabotage.cas,
    };
  }

  get memory(): AgentMemory {
    return this.#memory;
  }

  /** Of the last commit, or as it was read. */
  get revision(): number {
    return this.#revision;
  }

  /** Of the next commit. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether one of these commits says that the agent runs here. */
  get isClaimed(): boolean {
    return this.#isClaimed;
  }

  /** The subject that has woken the agent, until the first commit; then empty. */
  get wake(): string {
    return this.#isClaimed ? '' : this.#wake;
  }

  /** Of the last commit; 0 before the first. */
  get recordBytes(): number {
    return this.#recordBytes;
  }

  /** Of the last commit, chunks included. */
  get stateBytes(): number {
    return this.#recordBytes + (this.#memory.record.chunks?.sizeBytes ?? 0);
  }

  /** What spans say of the last commit: the next one's epoch may be another. */
  facts(): Attributes {
    return { [attribute.epoch]: this.#memory.record.lease.epoch, [attribute.revision]: this.#revision };
  }

  /**
   * Encodes and commits.
   *
   * @param cause - What this commit is part of.
   * @returns whether it was not lost; a lost one leaves everything here as it was.
   * @throws {WakebusError} `VALUE_NOT_DURABLE`, `TURN_TOO_LARGE`, `OUTCOME_UNKNOWN`, `UNAVAILABLE`.
   */
  async commit(memory: AgentMemory, cause: RunningSpan | undefined): Promise<boolean> {
    const { ports, probes, telemetry } = this.#context;
    const { key, definition } = memory;
    const { type } = definition;
    const commit = this.#context.nextCommit();
    const fitting = memory.seen.unspilled > SEEN_IN_RECORD ? await this.#spillSeen(memory) : memory;
    const freezing = this.#freezer.freeze(fitting, namedBy(commit, memory.record));
    const frozen = freezing instanceof Promise ? await freezing : freezing;
    const bytes = encodeRecord(asStored(frozen.record));
    if (bytes.length > RECORD_LIMIT_BYTES) throw tooLarge(frozen, bytes.length);
    if (probes?.beforeCommit !== undefined) await probes.beforeCommit(key);
    const running = this.#startSpan(cause);
    const startedMs = ports.clock.monotonicMs();
    const outcome = await commitRecord(this.#ports, { key, bytes, commit, expectedRevision: this.#revision });
    if (running.isRecording) running.set({ [attribute.sizeBytes]: bytes.length, ...commitFacts(outcome, this.#epoch) });
    running.end();
    if (outcome.kind === 'lost') {
      telemetry.lostCommits.add(1, { type });
      return false;
    }
    telemetry.commitMs.record(ports.clock.monotonicMs() - startedMs, { type });
    telemetry.recordBytes.record(bytes.length, { type });
    this.#recordBytes = bytes.length;
    this.#revision = outcome.revision;
    this.#take(frozen, cause);
    return true;
  }

  #take(memory: AgentMemory, cause: RunningSpan | undefined): void {
    const { telemetry } = this.#context;
    const { lease } = memory.record;
    const before = this.#memory.record;
    const isHeld = lease.holder !== '';
    this.#memory = memory;
    this.#isClaimed = true;
    if (!isHeld) telemetry.dehydrateBytes.record(this.stateBytes, { type: memory.definition.type });
    if (!isHeld) this.#epoch = lease.epoch + 1;
    // An agent at which only its gate looks has slept all the while.
    if (memory.isUndecoded !== true) this.#announce(before, isHeld, cause);
  }

  /** One commit may hold a whole wake, from claim to sleep. */
  #announce(before: AgentRecord, isHeld: boolean, cause: RunningSpan | undefined): void {
    const { key, record } = this.#memory;
    const { lifecycle } = record;
    for (const name of changesOf(before.lifecycle.name, lifecycle.name, { wasHeld: this.#isHeld, isHeld }))
      announce(this.#context, key, name, name === 'awake' ? this.#wake : lifecycle.code, cause?.carrier);
    this.#isHeld = isHeld;
  }

  async #spillSeen(memory: AgentMemory): Promise<AgentMemory> {
    await memory.seen.spill(async (content) => {
      const chunk = await this.#context.ports.chunks.put(encode(content));
      memory.packed?.chunks.set(chunk, content);
      return chunk;
    });
    return { ...memory, record: { ...memory.record, seen: memory.seen.toSeen() } };
  }

  #startSpan(cause: RunningSpan | undefined): RunningSpan {
    const { telemetry } = this.#context;
    const { key, record } = this.#memory;
    if (cause !== undefined) return telemetry.below(span.commit, key, cause);
    return telemetry.start(span.commit, key, [record.trace]);
  }
}

/** What a record says of the commit that it is written with; a turn of its own is not named yet. */
function namedBy(commit: string, { last }: AgentRecord): Partial<AgentRecord> {
  return last?.commit === '' ? { commit, last: { ...last, commit } } : { commit };
}
