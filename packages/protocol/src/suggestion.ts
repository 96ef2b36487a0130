/** What may have been meant by a name that is unknown. */

/**
 * The nearest known name, where one is near: a slip of the finger, or another form of the same word.
 *
 * @returns the end of a sentence that says that the name is unknown.
 */
export function suggestion(option: string, known: readonly string[]): string {
  const word = option.toLowerCase();
  const near = known
    .map((name) => ({ name, edits: distance(word, name.toLowerCase()) }))
    .toSorted((a, b) => a.edits - b.edits);
  const best = near.find(({ name, edits }) => edits <= 2 || word.slice(0, 4) === name.toLowerCase().slice(0, 4));
  return best === undefined ? `; known are ${known.join(', ')}` : `; did you mean "${best.name}"?`;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
