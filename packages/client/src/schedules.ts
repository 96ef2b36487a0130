/**
 * Schedules made from outside: of one agent, or of all agents of a type (`<type>/*`).
 *
 * One of a type is a schedule of the type's own agent, which hands each occurrence on to every agent of it
 * that is there then.
 */
import {
  type Address,
  type AgentEvent,
  type AgentKey,
  FAN_OUT_EVENT,
  type Schedule,
  type ScheduleSpec,
  WakebusError,
  checkScheduleId,
  isReservedEvent,
  isTypeAgent,
  parseAddress,
  specOfSchedule,
} from '@wakebus/protocol';
import type { ClientContext } from './client-context.ts';
import { type ControlOptions, controlAgent } from './control.ts';
import { type AgentTimer, Timers, type TimersOf } from './timers.ts';

/** A schedule as it stands. Times are milliseconds since the epoch. */
export interface AgentSchedule {
  /** `<type>/*` for one of a whole type. */
  readonly agent: Address;
  readonly id: string;
  readonly event: AgentEvent;
  /** With its defaults. */
  readonly spec: ScheduleSpec;
  /** When it comes next, jitter included. */
  readonly nextMs: number;
  /** Occurrences left out since the last one that came. */
  readonly left: number;
  /** Occurrences that wait for the end of the one before. */
  readonly queued: number;
}

/** Made by a client. */
export class Schedules {
  readonly #context: ClientContext;
  readonly #timers: Timers;

  constructor(context: ClientContext) {
    this.#context = context;
    this.#timers = new Timers(context);
  }

  /**
   * Makes a schedule, or replaces the one with the same ID, in one commit; one that is just the same is left
   * as it stands. The agent need not exist: its first occurrence brings it to life.
   *
   * @param agent - `<type>/<id>`, or `<type>/*` for every agent of the type that exists when an occurrence comes.
   * @returns when it comes next.
   * @throws {WakebusError} `INVALID_OPTION`, `INVALID_ADDRESS`, `RESERVED_EVENT`, `AGENT_COMPLETED`, `AGENT_REMOVED`; `CALL_TIMEOUT`:
   * stored, and made when a placement node of the type runs; `UNAVAILABLE`, `OUTCOME_UNKNOWN`.
   */
  async add(
    agent: string,
    id: string,
    schedule: Schedule,
    options: ControlOptions = {},
  ): Promise<{ readonly nextMs: number }> {
    const key = parseAddress(agent);
    specOfSchedule(schedule);
    if (isReservedEvent(schedule.event.type)) throw new WakebusError('RESERVED_EVENT', { event: schedule.event.type });
    const timer = { id: checkScheduleId(id), schedule: { ...schedule, event: wrapped(key, schedule.event) } };
    const answer = await controlAgent(this.#context, key, 'schedule', options, { timer });
    // The answer of a request that came before holds nothing.
    return (answer as { nextMs: number } | undefined) ?? { nextMs: (await this.get(agent, id))?.nextMs ?? 0 };
  }

  /** Ends a schedule. @throws {WakebusError} `TIMER_NOT_FOUND`, and as {@link Timers.cancel}. */
  remove(agent: string, id: string, options: ControlOptions = {}): Promise<void> {
    return this.#timers.cancel(agent, id, options);
  }

  /** One schedule, if it is there. @throws as {@link Timers.list}. */
  async get(agent: string, id: string): Promise<AgentSchedule | undefined> {
    for await (const schedule of this.list({ agent })) if (schedule.id === id) return schedule;
    return undefined;
  }

  /** Walks over schedules, without waking anyone. @throws as {@link Timers.list}. */
  async *list(of: TimersOf = {}): AsyncGenerator<AgentSchedule> {
    for await (const timer of this.#timers.list(of)) {
      const schedule = scheduleOf(timer);
      if (schedule !== undefined) yield schedule;
    }
  }
}

function wrapped(key: AgentKey, event: AgentEvent): AgentEvent {
  return isTypeAgent(key) ? { type: FAN_OUT_EVENT, event } : event;
}

function scheduleOf({ agent, id, event, dueMs, schedule }: AgentTimer): AgentSchedule | undefined {
  if (schedule === undefined) return undefined;
  const { spec, left = 0, queued = [] } = schedule;
  const inner = event.type === FAN_OUT_EVENT ? (event['event'] as AgentEvent) : event;
  return { agent, id, event: inner, spec, nextMs: dueMs, left, queued: queued.length };
}
