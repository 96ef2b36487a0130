/**
 * Folders with the files of agents, for effects and processes to work in. The adapter that has real folders is
 * `@wakebus/workspace`; the simulator's keeps files in memory.
 *
 * A folder is one attempt's own. What is in it counts for nothing until it is put away ({@link OpenWorkspace.sync})
 * and a commit names the manifest; so whatever becomes of this process, the last committed pair of state and files
 * is what wakes.
 */
import type { WorkspaceSpec } from '@wakebus/core';
import type { AgentKey, WorkspaceRef } from '@wakebus/protocol';
import type { ChunkPorts } from '../objects/snapshot-chunks.ts';

/** Whose files, and which of them. */
export interface WorkspaceRequest {
  readonly key: AgentKey;
  /** As committed. Nothing: a folder with nothing in it. */
  readonly ref: WorkspaceRef | undefined;
  readonly spec: WorkspaceSpec;
}

/** A folder with just what a manifest names. One of the last two calls ends it, and must come. */
export interface OpenWorkspace {
  readonly path: string;
  /**
   * Puts away what the folder holds now: chunks first, then the manifest. Nobody may be writing in it.
   *
   * @returns nothing when it is what it was.
   * @throws {WakebusError} `WORKSPACE_REFUSED`, `WORKSPACE_TOO_LARGE`; `OUTCOME_UNKNOWN`, `UNAVAILABLE` when it may be tried again.
   */
  sync(): Promise<WorkspaceRef | undefined>;
  /** Whoever worked in it has ended. What is in the folder may serve the next one. */
  release(): Promise<void>;
  /** Whoever worked in it may still do so: nobody else is given this folder. */
  discard(): Promise<void>;
}

export interface Workspaces {
  /**
   * Hydrates.
   *
   * @throws {WakebusError} `CHUNK_MISSING`, `CHUNK_DAMAGED`, `WORKSPACE_DAMAGED`: the agent must not go on, and there is no folder with a part of it; `UNAVAILABLE`, also when the disk is full.
   */
  open(request: WorkspaceRequest): Promise<OpenWorkspace>;
  /** Gives up what it holds. Folders that are open are not waited for. */
  close(): Promise<void>;
}

/** Makes them over a deployment's object store: what `startPlacementNode` takes. */
export type WorkspacesOpener = (ports: ChunkPorts) => Promise<Workspaces>;
