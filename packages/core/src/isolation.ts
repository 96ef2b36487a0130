/**
 * Isolation: what an agent type says so that its turns run in threads of their own, where they can be stopped.
 *
 * A machine is made of functions, which cannot be handed to a thread. So each thread imports the module
 * that exports the definition, and the placement node checks at its start that both are the same.
 */

/** Where a thread finds the definition, and what a turn may cost. */
export interface IsolationOptions {
  /** URL of the module that exports this very definition: `import.meta.url`. Every thread runs the module from its top, so it must not start a placement node. */
  readonly module: string;
  /** Name of the export. @default "default" */
  readonly export?: string;
  /** A turn is stopped after so long, in milliseconds. @default 2,000 – a turn takes microseconds, and a busy machine may keep a thread waiting for a second. */
  readonly turnTimeoutMs?: number;
  /** A thread is stopped when its heap has grown to so many MiB; byte arrays and WebAssembly are outside of it, and so is what turns leave behind: an eighth of it, at most 16 MiB. @default 128 – a hundred times the largest record. */
  readonly maxHeapMb?: number;
  /** Threads of this type in a placement node. @default 2 – while one is stuck, the other agents of the type have another. */
  readonly threads?: number;
}

/** {@link IsolationOptions} with every default filled in. */
export type Isolation = Required<IsolationOptions>;

/** The options with their defaults. */
export function isolationOf(options: IsolationOptions | undefined): Isolation | undefined {
  if (options === undefined) return undefined;
  const { module, export: name = 'default', turnTimeoutMs = 2_000, maxHeapMb = 128, threads = 2 } = options;
  return Object.freeze({ module, export: name, turnTimeoutMs, maxHeapMb, threads });
}
