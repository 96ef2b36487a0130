/**
 * What the scheduler runs: tasks, each in some actor, and lanes that keep tasks in order.
 */

/** Who runs a task: the server or a node. A paused actor's tasks wait, a gone one's vanish. */
export class Actor {
  readonly name: string;
  state: 'running' | 'paused' | 'gone' = 'running';
  /** Whether a pause also holds back what the node had sent and the wire had not taken. */
  holdsSends = false;
  /** What came up while the actor was paused, in that order. */
  parked: Entry[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Takes away the parked messages that a test condemns. */
  lose(condemn: Condemn): void {
    loseFrom(this.parked, condemn);
  }
}

export interface Task {
  readonly actor: Actor;
  readonly label: string;
  readonly run: () => void;
  /** The node whose connection carries it, where it is a message on its way. */
  readonly carrier?: Actor;
  /** Called when the message is lost with its connection. */
  readonly onLost?: () => void;
}

/** Tasks that run in the order in which they came. */
export class Lane {
  readonly actor: Actor;
  readonly carrier: Actor;
  readonly name: string;
  /** Whether the scheduler has it among what is ready, or parked. */
  isListed = false;
  #tasks: Task[] = [];
  #head = 0;

  constructor(actor: Actor, carrier: Actor, name: string) {
    this.actor = actor;
    this.carrier = carrier;
    this.name = name;
  }

  get length(): number {
    return this.#tasks.length - this.#head;
  }

  push(task: Task): void {
    this.#tasks.push(task);
  }

  shift(): Task {
    const task = this.#tasks[this.#head] as Task;
    this.#head += 1;
    if (this.#head === this.#tasks.length || this.#head > 1024) {
      this.#tasks = this.#tasks.slice(this.#head);
      this.#head = 0;
    }
    return task;
  }

  /** Takes away all tasks. */
  empty(): Task[] {
    return this.#tasks.splice(this.#head);
  }
}

/** What the scheduler chooses from. */
export type Entry = Task | Lane;

/** Whether a message is lost; `lane` is the one that it stands in, if any. */
export type Condemn = (task: Task, lane: Lane | undefined) => boolean;

/** Takes the condemned tasks out of a list, and tells those who wait for an answer. */
export function loseFrom(entries: Entry[], condemn: Condemn): void {
  const kept = entries.filter((entry) =>
    entry instanceof Lane ? thin(entry, condemn) : !drop(entry, undefined, condemn),
  );
  entries.length = 0;
  for (const entry of kept) entries.push(entry);
}

/** @returns whether anything is left in the lane. */
function thin(lane: Lane, condemn: Condemn): boolean {
  for (const task of lane.empty()) if (!drop(task, lane, condemn)) lane.push(task);
  lane.isListed = lane.length > 0;
  return lane.isListed;
}

function drop(task: Task, lane: Lane | undefined, condemn: Condemn): boolean {
  if (!condemn(task, lane)) return false;
  task.onLost?.();
  return true;
}
