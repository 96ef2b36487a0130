/**
 * What operators have disabled: effects on a target, or all effects of an agent type. Nothing of it starts; the
 * agents go on, and so does what runs already.
 *
 * It stands in the registry, for all placement nodes; what a node sees of it is a moment old.
 */
import { type EffectScope, type Layout, checkAgentType, encode } from '@wakebus/protocol';
import type { RecordStore } from '../ports/record-store.ts';
import { readObject } from '../read-object.ts';
import { RegistryMarks, readMarks, writeMark } from '../registry-marks.ts';

/** What the registry holds of it. */
export interface DisabledEffect {
  readonly v: 1;
  readonly scope: EffectScope;
  readonly reason: string;
  readonly atMs: number;
}

/** What one placement node sees. */
export class DisabledEffects {
  readonly #layout: Layout;
  readonly #marks = new RegistryMarks(readDisabled);

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  has(type: string, target: string): boolean {
    if (this.#marks.isEmpty) return false;
    return this.#marks.has(this.#layout.disabledKey({ target })) || this.#marks.has(this.#layout.disabledKey({ type }));
  }

  /** Begins to look. @param onEnabled - Called when something is not disabled any more. */
  watch(registry: RecordStore, onEnabled: (scope: EffectScope) => void): Promise<void> {
    return this.#marks.watch(registry, this.#layout.disabledFilter, { cleared: ({ scope }) => onEnabled(scope) });
  }

  close(): void {
    this.#marks.close();
  }
}

/** Disables effects for every placement node, until {@link enableEffects}. @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`. */
export async function disableEffects(
  { layout, registry }: RegistryPorts,
  scope: EffectScope,
  reason: string,
  atMs: number,
): Promise<void> {
  const value: DisabledEffect = { v: 1, scope, reason, atMs };
  await writeMark(registry, keyOf(layout, scope), encode(value));
}

/** Lets effects start again; those that wait do so at once. @returns whether they were disabled. @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`. */
export function enableEffects({ layout, registry }: RegistryPorts, scope: EffectScope): Promise<boolean> {
  return writeMark(registry, keyOf(layout, scope), undefined);
}

/** Everything that is disabled. @throws {WakebusError} `UNAVAILABLE`. */
export function disabledEffects({ layout, registry }: RegistryPorts): Promise<DisabledEffect[]> {
  return readMarks(registry, layout.disabledFilter, readDisabled);
}

/** Where what is disabled stands. */
interface RegistryPorts {
  readonly layout: Layout;
  readonly registry: RecordStore;
}

function keyOf(layout: Layout, scope: EffectScope): string {
  if (scope.type !== undefined) checkAgentType(scope.type);
  return layout.disabledKey(scope);
}

function readDisabled(bytes: Uint8Array): DisabledEffect | undefined {
  const value: Partial<DisabledEffect> | undefined = readObject(bytes);
  return typeof value?.scope === 'object' ? (value as DisabledEffect) : undefined;
}
