/**
 * What of a folder is not kept, by patterns: a name matches anywhere, and a path with a slash from the folder on.
 * `*` stands for a part of one name, `**` for any number of names. What is below something ignored is ignored with it.
 */

/** @returns whether a path is ignored. */
export function ignoring(patterns: readonly string[]): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  const names = patterns.filter((pattern) => !pattern.includes('/')).map(expressionOf);
  const paths = patterns.filter((pattern) => pattern.includes('/')).map(expressionOf);
  return (path) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return names.some((each) => each.test(name)) || paths.some((each) => each.test(path));
  };
}

function expressionOf(pattern: string): RegExp {
  const trimmed = pattern.replace(/^\/+|\/+$/g, '');
  const source = trimmed
    .split(/(\*\*\/|\*\*|\*)/)
    .map((piece) => {
      if (piece === '**/') return '(?:.*/)?';
      if (piece === '**') return '.*';
      return piece === '*' ? '[^/]*' : piece.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
    })
    .join('');
  return new RegExp(`^${source}$`, 'su');
}
