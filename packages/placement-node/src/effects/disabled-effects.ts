/**
 * What operators have disabled: effects on a target, or all effects of an agent type. Nothing of it starts; the
 * agents go on, and so does what runs already.
 *
 * It stands in the registry, for all placement nodes; what a node sees of it is a moment old.
 */
import { type EffectScope, type Layout, WakebusError, checkAgentType, decode, encode } from '@wakebus/protocol';
import type { RecordStore, Watch } from '../ports/record-store.ts';

/** What the registry holds of it. */
export interface DisabledEffect {
  readonly v: 1;
  readonly scope: EffectScope;
  readonly reason: string;
  readonly atMs: number;
}

/** Tries of one write: the only rivals are other operators. */
const TRIES = 20;

/** What one placement node sees. */
export class DisabledEffects {
  readonly #layout: Layout;
  readonly #keys = new Map<string, EffectScope>();
  #watch: Watch | undefined;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  has(type: string, target: string): boolean {
    if (this.#keys.size === 0) return false;
    return this.#keys.has(this.#layout.disabledKey({ target })) || this.#keys.has(this.#layout.disabledKey({ type }));
  }

  /** Begins to look. @param onEnabled - Called when something is not disabled any more. */
  async watch(registry: RecordStore, onEnabled: (scope: EffectScope) => void): Promise<void> {
    this.#watch = await registry.watch(this.#layout.disabledFilter, (key, { bytes }) => {
      const before = this.#keys.get(key);
      const now = bytes === undefined ? undefined : readDisabled(bytes)?.scope;
      if (now !== undefined) this.#keys.set(key, now);
      else this.#keys.delete(key);
      if (before !== undefined && now === undefined) onEnabled(before);
    });
  }

  close(): void {
    this.#watch?.stop();
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
  await write(registry, keyOf(layout, scope), encode(value));
}

/** Lets effects start again; those that wait do so at once. @returns whether they were disabled. @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`. */
export function enableEffects({ layout, registry }: RegistryPorts, scope: EffectScope): Promise<boolean> {
  return write(registry, keyOf(layout, scope), undefined);
}

/** Everything that is disabled. @throws {WakebusError} `UNAVAILABLE`. */
export async function disabledEffects({ layout, registry }: RegistryPorts): Promise<DisabledEffect[]> {
  const keys = await registry.keys(layout.disabledFilter);
  const values = await Promise.all(keys.map((key) => registry.get(key)));
  return values
    .map(({ bytes }) => (bytes === undefined ? undefined : readDisabled(bytes)))
    .filter((each) => each !== undefined);
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

/** @returns whether there was a value. */
async function write(registry: RecordStore, key: string, bytes: Uint8Array | undefined): Promise<boolean> {
  for (let round = 0; round < TRIES; round += 1) {
    const present = await registry.getFresh(key);
    if (bytes === undefined && present.bytes === undefined) return round > 0;
    const outcome = await (bytes === undefined
      ? registry.remove(key, present.revision)
      : registry.put(key, bytes, present.revision));
    if (outcome.kind === 'stored') return present.bytes !== undefined;
  }
  throw new WakebusError('UNAVAILABLE', { what: 'The registry' });
}

/** What some bytes say, if anything: an operator may have written them by hand. */
function readDisabled(bytes: Uint8Array): DisabledEffect | undefined {
  try {
    const value = decode(bytes) as Partial<DisabledEffect> | null;
    return typeof value?.scope === 'object' ? (value as DisabledEffect) : undefined;
  } catch {
    return undefined;
  }
}
