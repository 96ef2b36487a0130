/**
 * The effects of an awake agent: which are to be started now, and which ones nobody runs any more.
 *
 * A start is a commit of its own, after the one that plans and before anything runs. What may not start is parked
 * in the same commit; what lacks only room waits, and the agent stays awake for it. That nobody runs an effect is
 * said by a message to the agent: whatever its owner has stored before comes first, and wins.
 */
import {
  type Admission,
  type EffectStart,
  isDue,
  isParked,
  isRunnable,
  schedulesOf,
  specOf,
  startDue,
  whyNeverAgain,
} from '@wakebus/core';
import { type JournalEntry, attribute, isWakebusError, span } from '@wakebus/protocol';
import type { Activation } from '../activation.ts';
import type { NodeContext } from '../node-context.ts';
import { isGone } from '../objects/record-chunks.ts';
import { quarantine } from '../park.ts';
import { type Folders, closeFolders, needsFolder, openFolders, writerOf } from './effect-folders.ts';
import type { Shut } from './effect-gates.ts';
import type { EffectPassage } from './effect-runner.ts';

/** An attempt may begin so much later than its deadline counts from, in milliseconds, and have all its time: a second less than the grace after that. */
const LATEST_START_MS = 4_000;
/** An effect that waits for another one's files is looked at so long after that one's deadline, in milliseconds. */
const BEHIND_MS = 1_000;

/** What entries have that may be started, by generation. */
interface Leave {
  readonly passages: Map<number, EffectPassage>;
  readonly folders: Folders;
}

export class SessionEffects {
  readonly #context: NodeContext;
  readonly #activation: Activation;
  /** Attempts that this activation has started, or asked about: a deadline stands for each. */
  readonly #known = new Set<string>();
  #isStarting = false;

  constructor(context: NodeContext, activation: Activation) {
    this.#context = context;
    this.#activation = activation;
  }

  /** Whether effects wait for their start: some delivery must stay unacknowledged until then. */
  get hasDue(): boolean {
    const { record } = this.#activation;
    // Between the commit of a start and its schedule, nothing but a delivery would bring anybody here.
    if (this.#isStarting) return true;
    return record.journal.length > 0 && isRunnable(record) && record.journal.some(isDue);
  }

  /** Whether effects wait for room, so that the agent must not sleep: nothing would wake it for them. */
  get isWaiting(): boolean {
    const { isDraining, slots } = this.#context.effects;
    return !isDraining && slots.isAwaitedBy(this.#activation.key) && this.hasDue;
  }

  /** Looks whether {@link start} has something to do. Where only room is missing, the agent gets in line for it. A node that leaves starts nothing. */
  isOwed(): boolean {
    const { record, key } = this.#activation;
    const { isDraining, slots } = this.#context.effects;
    const open =
      record.journal.length === 0 || isDraining || !isRunnable(record)
        ? []
        : record.journal.filter((entry) => isDue(entry) || isParked(entry));
    if (open.some((entry) => this.#isReady(entry))) return true;
    if (open.some((entry) => isDue(entry) || this.#shutFor(entry) === undefined)) slots.queue(key);
    else slots.leave(key);
    return false;
  }

  /** The activation is over: whoever stands in line after it is next. */
  close(): void {
    this.#context.effects.slots.leave(this.#activation.key);
  }

  /** Commits that what is due is started, then runs it. @returns `false` when the commit was lost. */
  async start(): Promise<boolean> {
    this.#isStarting = true;
    const passages = new Map<number, EffectPassage>();
    let folders: Folders = new Map();
    try {
      const ready = this.#activation.record.journal.filter((entry) => this.#isStartable(entry));
      await Promise.all(ready.map((entry) => this.#stopLast(entry)));
      if (this.#activation.definition.workspace !== undefined) folders = await this.#openFolders(ready);
      const { clock } = this.#context.ports;
      const beganMs = clock.monotonicMs();
      const start = await this.#commitStart({ passages, folders });
      if (start === undefined) return false;
      this.#schedule(start);
      await this.#run(start.started, { passages, folders }, () => clock.monotonicMs() - beganMs);
      return true;
    } catch (thrown) {
      if (!isWakebusError(thrown) || !isGone(thrown)) throw thrown;
      return await quarantine(this.#context, this.#activation, thrown);
    } finally {
      this.#isStarting = false;
      if (folders.size > 0) await closeFolders(folders);
      for (const passage of passages.values()) passage.end('unknown');
    }
  }

  /** Whether there is something to do about an entry at once: start it, park it, or say that it never will be. */
  #isReady(entry: JournalEntry): boolean {
    const { definition, key } = this.#activation;
    if (whyNeverAgain(entry, specOf(definition, entry), this.#context.ports.clock.wallMs()) !== undefined) return true;
    if (this.#shutFor(entry) !== undefined) return isDue(entry);
    return this.#context.effects.slots.hasRoom(key);
  }

  #isStartable(entry: JournalEntry): boolean {
    return (isDue(entry) || isParked(entry)) && this.#shutFor(entry) === undefined;
  }

  #shutFor(entry: JournalEntry): Shut | undefined {
    const { effects, ports } = this.#context;
    const { definition, key, record } = this.#activation;
    const writer = writerOf(definition, record, entry);
    // Its result wakes the agent, and this is for when there is none: its deadline comes first then, and is judged.
    if (writer !== undefined)
      return { by: 'workspace', waitMs: Math.max(0, (writer.deadlineMs ?? 0) - ports.clock.wallMs()) + BEHIND_MS };
    return effects.gates.shutFor(key, entry);
  }

  #admit(entry: JournalEntry, nowMs: number, { passages, folders }: Leave): Admission {
    const { effects, telemetry } = this.#context;
    const { definition, key } = this.#activation;
    const shut = this.#shutFor(entry);
    if (shut !== undefined) {
      if (isDue(entry)) telemetry.parkedEffects.add(1, { type: definition.type, reason: shut.by });
      return { kind: 'park', by: shut.by, untilMs: nowMs + shut.waitMs };
    }
    // Of those that write, the first has a folder: the others find it started.
    const lacksFolder = needsFolder(definition, entry) && !folders.has(entry.generation);
    const passage = lacksFolder ? undefined : effects.admit(key, entry);
    if (passage === undefined) return { kind: 'wait' };
    passages.set(entry.generation, passage);
    return { kind: 'start' };
  }

  /** @returns what is started and parked now, or nothing when the commit was lost. */
  async #commitStart(leave: Leave): Promise<EffectStart | undefined> {
    const { nodeId, ports, telemetry } = this.#context;
    const { definition, key, record } = this.#activation;
    // Schedules fire by the server's clock. Where this node's is behind, a deadline would be over as it begins.
    const nowMs = Math.max(ports.clock.wallMs(), record.cursorMs);
    const start = startDue(definition, record, nodeId, nowMs, (entry) => this.#admit(entry, nowMs, leave));
    if (start.journal.every((entry, i) => entry === record.journal[i])) return start;
    const running = telemetry.start(span.effectCommit, key, [record.trace]);
    // Its schedules are owed, until they are armed: whoever claims the agent after a crash arms them.
    const isMine = await this.#activation.stand({ journal: start.journal, settled: false }, running);
    running.set({ [attribute.events]: start.started.length, [attribute.outcome]: isMine ? 'committed' : 'lost' });
    running.end();
    return isMine ? start : undefined;
  }

  /** What only lacks room gets none yet. */
  async #openFolders(ready: readonly JournalEntry[]): Promise<Folders> {
    const { effects, ports } = this.#context;
    return effects.slots.hasRoom(this.#activation.key) ? openFolders(ports, this.#activation, ready) : new Map();
  }

  #schedule({ started, parked, unparked }: EffectStart): void {
    const { handOver } = this.#activation;
    handOver.arm(schedulesOf([...started, ...parked]));
    // Until the new ones stand, the old ones are what would wake the agent after a crash.
    if (unparked.length > 0) void handOver.settled().then(() => handOver.cancel(schedulesOf(unparked)));
  }

  async #run(started: readonly JournalEntry[], { passages, folders }: Leave, lateMs: () => number): Promise<void> {
    const { effects, membership, probes } = this.#context;
    const { definition, key } = this.#activation;
    if (started.length > 0 && probes?.beforeEffect !== undefined) await probes.beforeEffect(key);
    // A lease that has run out meanwhile: others may judge already, and nothing of it may begin.
    if (!membership.mayAct()) return;
    for (const entry of started) {
      this.#known.add(nameOf(entry));
      const spec = specOf(definition, entry);
      const passage = passages.get(entry.generation);
      if (spec === undefined || passage === undefined) continue;
      // The deadline counts from before the commit. What could outlive it does not begin: others have judged by then.
      const mostMs = Math.min(spec.timeoutMs, spec.timeoutMs + LATEST_START_MS - lateMs());
      if (mostMs <= 0) continue;
      passages.delete(entry.generation);
      const open = folders.get(entry.generation);
      folders.delete(entry.generation);
      const { lease, workspace } = this.#activation.record;
      const folder = open && { open, base: workspace?.check, isKept: spec.workspace === 'write' };
      effects.start({ key, entry, spec, mostMs, epoch: lease.epoch, passage, folder });
    }
  }

  /** Asks, once an attempt, whether what another session has started still runs, and tells the agent where it does not. */
  judge(): void {
    for (const entry of this.#activation.record.journal) {
      if (entry.state !== 'started' || this.#known.has(nameOf(entry))) continue;
      this.#known.add(nameOf(entry));
      void this.#judge(entry);
    }
  }

  async #judge(entry: JournalEntry): Promise<void> {
    const why = await this.#whyLost(entry);
    if (why !== undefined) this.#activation.handOver.tell(entry, why);
  }

  async #whyLost(entry: JournalEntry): Promise<string | undefined> {
    const { effects, membership, ports } = this.#context;
    const { attempt, deadlineMs = 0, generation, node = '' } = entry;
    if (!membership.hasLease(node)) return `its placement node ${node} is gone`;
    const isRunning = await effects.ask(node, { key: this.#activation.key, generation, attempt }, false);
    if (isRunning === false) return `its placement node ${node} does not run it`;
    // No answer says nothing: its deadline will, or should have.
    const isLate = isRunning === undefined && deadlineMs < ports.clock.wallMs();
    return isLate ? 'nobody said by its deadline how it ended' : undefined;
  }

  /** Where nobody knew how the attempt before it ended, that may still be under way: it is stopped first, where that can be. */
  async #stopLast({ attempt, error, generation, node }: JournalEntry): Promise<void> {
    if (node === undefined || error?.code !== 'EFFECT_MAYBE') return;
    await this.#context.effects.ask(node, { key: this.#activation.key, generation, attempt }, true);
  }
}

function nameOf({ attempt, generation }: JournalEntry): string {
  return `${generation}#${attempt}`;
}
