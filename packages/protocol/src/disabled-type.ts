/**
 * An agent type that operators have disabled, as the registry holds it under {@link Layout.disabledTypeKey}: no agent
 * of it is woken anywhere while this is there.
 */
import { decode } from './codec.ts';
import { isWakebusError } from './errors.ts';

/** MessagePack. */
export interface DisabledType {
  readonly v: 1;
  readonly type: string;
  /** Why, for whoever looks. */
  readonly reason: string;
  readonly atMs: number;
}

/** What the registry says of a disabled type, or `undefined` when the bytes are nothing of the kind. */
export function readDisabledType(bytes: Uint8Array): DisabledType | undefined {
  try {
    const value = decode(bytes) as Partial<DisabledType> | null;
    return typeof value?.type === 'string' ? (value as DisabledType) : undefined;
  } catch (thrown) {
    if (isWakebusError(thrown)) return undefined;
    throw thrown;
  }
}
