/** Mutants of chunks: written too late, collected too early, and believed unseen. */
import type { Mutant } from './mutant.ts';

const snapshots = 'placement-node/src/objects/snapshot-chunks.ts';
const collecting = 'placement-node/src/objects/collect.ts';

export const chunkMutants: readonly Mutant[] = [
  {
    rule: 'P12',
    name: 'a manifest that is committed before its chunks are acknowledged',
    edits: [
      {
        file: snapshots,
        find: 'await writing.begin(ports.chunks.put(chunk, name));',
        replace: 'void ports.chunks.put(chunk, name).catch(() => {});',
      },
    ],
    run: { workload: 'spilling' },
    shows: 'which is not stored',
    quick: true,
  },
  {
    rule: 'P12',
    name: 'a chunk collected without a grace',
    edits: [{ file: collecting, find: 'if (chunk.ageMs >= graceMs)', replace: 'if (chunk.ageMs >= 0)' }],
    run: { workload: 'spilling' },
    shows: 'which is not stored',
  },
  {
    rule: 'P12',
    name: 'a chunk collected that the manifest before still names',
    edits: [{ file: snapshots, find: 'before: packNames(before) };', replace: 'before: packNames([]) };' }],
    run: { workload: 'spilling' },
    shows: 'was collected while its last two manifests name it',
    quick: true,
  },
  {
    rule: 'P12',
    name: 'a chunk collected that a kept snapshot still names',
    edits: [{ file: collecting, find: 'await spareOf(ports, key, kept.record, old);', replace: 'void key;' }],
    run: { workload: 'spilling' },
    shows: 'the kept snapshot names the chunk',
    quick: true,
  },
  {
    rule: 'P12',
    name: 'a chunk whose hash nobody checks',
    edits: [
      {
        file: 'placement-node/src/objects/blob-codec.ts',
        find: 'if (hashOf(bytes) !== hash)',
        replace: 'if (hash === "")',
      },
    ],
    run: { workload: 'spilling' },
    shows: 'is out of a damaged chunk',
    quick: true,
  },
  {
    rule: 'P12',
    name: 'files of an agent that collecting does not know of',
    edits: [
      {
        file: collecting,
        find: 'if (record?.workspace === undefined) return;',
        replace: 'if (record !== null) return;',
      },
    ],
    run: { workload: 'scribes' },
    shows: 'was collected while its last two manifests name it',
  },
  {
    rule: 'P1',
    name: 'a state that is committed without the files of the effect that it takes',
    edits: [{ file: 'core/src/turn/effects.ts', find: 'draft.workspace = files.ref;', replace: 'void files.ref;' }],
    run: { workload: 'scribes' },
    shows: 'its files say',
  },
  {
    rule: 'P8',
    name: 'files that stand on others than those of the agent',
    edits: [
      {
        file: 'core/src/turn/effects.ts',
        find: 'if (!standsOn(files, draft.workspace))',
        replace: 'if (files === null)',
      },
      {
        file: 'placement-node/src/effects/effect-folders.ts',
        find: "each !== entry && each.state === 'started'",
        replace: "each === entry && each.state === 'started'",
      },
    ],
    run: { workload: 'scribes' },
    shows: 'its files say',
  },
  {
    rule: 'P13',
    name: 'an agent that is begun from a snapshot, and lacks its state',
    edits: [
      { file: 'core/src/turn/restore.ts', find: '  draft.snapshot = snapshot;\n', replace: '  void snapshot;\n' },
    ],
    run: { workload: 'restoring' },
    shows: 'it is not what it was',
    quick: true,
  },
];
