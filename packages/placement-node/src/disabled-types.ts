/**
 * Agent types that operators have disabled: no agent of one is woken anywhere, and what is awake goes to sleep
 * after its turn. Nothing is lost: what comes for them waits in the inbox, and counts towards its limits.
 */
import { type DisabledType, type Layout, checkAgentType, encode, readDisabledType } from '@wakebus/protocol';
import type { RecordStore } from './ports/record-store.ts';
import { RegistryMarks, readMarks, writeMark } from './registry-marks.ts';

/** What one placement node sees. */
export class DisabledTypes {
  readonly #layout: Layout;
  readonly #marks = new RegistryMarks(readDisabledType);

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  has(type: string): boolean {
    return !this.#marks.isEmpty && this.#marks.has(this.#layout.disabledTypeKey(type));
  }

  /** Begins to look. @param on - Called when a type is disabled, or is not any more. */
  watch(registry: RecordStore, on: { disabled(type: string): void; enabled(type: string): void }): Promise<void> {
    return this.#marks.watch(registry, this.#layout.disabledTypeKey('*'), {
      set: ({ type }) => on.disabled(type),
      cleared: ({ type }) => on.enabled(type),
    });
  }

  close(): void {
    this.#marks.close();
  }
}

/** Disables an agent type for every placement node, until {@link enableAgents}. @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`. */
export async function disableAgents(
  { layout, registry }: RegistryPorts,
  type: string,
  reason: string,
  atMs: number,
): Promise<void> {
  const value: DisabledType = { v: 1, type, reason, atMs };
  await writeMark(registry, layout.disabledTypeKey(checkAgentType(type)), encode(value));
}

/** Lets an agent type run again; what has waited is taken at once. @returns whether it was disabled. @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`. */
export function enableAgents({ layout, registry }: RegistryPorts, type: string): Promise<boolean> {
  return writeMark(registry, layout.disabledTypeKey(checkAgentType(type)), undefined);
}

/** All types that are disabled. @throws {WakebusError} `UNAVAILABLE`. */
export function disabledAgents({ layout, registry }: RegistryPorts): Promise<DisabledType[]> {
  return readMarks(registry, layout.disabledTypeKey('*'), readDisabledType);
}

/** Where the marks stand. */
interface RegistryPorts {
  readonly layout: Layout;
  readonly registry: RecordStore;
}
