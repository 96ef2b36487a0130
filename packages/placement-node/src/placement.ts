/**
 * Who should run a partition: rendezvous hashing over the living placement nodes of its pool.
 *
 * A hint, and no more: two nodes may see different members for a while. The compare-and-set on the
 * record decides who really runs an agent.
 *
 * @see Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996.
 */

/** The server's lowest priority: nodes beyond the tenth share it. */
export const MAX_RANK = 9;

/**
 * For each partition, the nodes in the order in which they should serve it.
 *
 * The first of a node's ranking that has room comes first. There is room for an even share rounded down,
 * and one more for as many nodes as that leaves partitions over: plain rendezvous hashing leaves some far
 * from even, and a share rounded up for everybody leaves the last of them too little.
 *
 * @see Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2018.
 */
export function placePartitions(nodeIds: readonly string[], pool: string, partitions: number): string[][] {
  const share = Math.floor(partitions / Math.max(1, nodeIds.length));
  let left = partitions - share * nodeIds.length;
  const load = new Map<string, number>();
  const loadOf = (id: string): number => load.get(id) ?? 0;
  return Array.from({ length: partitions }, (_, partition) => {
    const ranked = rankNodes(nodeIds, pool, partition);
    const first = ranked.find((id) => loadOf(id) < share || (loadOf(id) === share && left > 0));
    if (first === undefined) return ranked;
    if (loadOf(first) === share) left -= 1;
    load.set(first, loadOf(first) + 1);
    return [first, ...ranked.filter((id) => id !== first)];
  });
}

/** The member nodes of a pool in the order in which they should serve a partition. */
function rankNodes(nodeIds: readonly string[], pool: string, partition: number): string[] {
  const scored = nodeIds.map((id) => ({ id, score: mix(hash(`${pool}/${partition}/${id}`)) }));
  return scored.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** The finalizer of MurmurHash3: FNV alone leaves names that differ in their last character close together. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
