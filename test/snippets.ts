/** What the READMEs show as code: TypeScript by file, and lines for a shell. */
import { globSync, readFileSync } from 'node:fs';

/** Every page that shows code. */
export const pages: readonly string[] = globSync([
  '*.md',
  'packages/*/*.md',
  'packages/*/src/**/*.md',
  'examples/*/*.md',
  'observability/*.md',
]).toSorted();

/** One block of code in a page. */
export interface Snippet {
  readonly page: string;
  /** As a comment in its first line says; `main.ts` without one. */
  readonly file: string;
  readonly text: string;
}

/** All TypeScript. */
export function readSnippets(): Snippet[] {
  return pages.flatMap((page) =>
    blocksOf(page, 'ts').map((text) => ({ page, text, file: /^\/\/ (\S+\.ts)\n/.exec(text)?.[1] ?? 'main.ts' })),
  );
}

/** All lines that a person is to type: after a prompt, or in a block of an example that has no language. */
export function readCommandLines(): string[] {
  const prompted = pages.flatMap((page) => blocksOf(page, 'console')).flatMap((text) => text.split('\n'));
  const bare = pages.filter((page) => page.startsWith('examples/')).flatMap((page) => blocksOf(page, ''));
  return [
    ...prompted.flatMap((line) => /^\$ (.*?)(?:\s+# .*)?$/.exec(line)?.[1] ?? []),
    ...bare.flatMap((text) => text.trim().split('\n')),
  ];
}

/** Blocks of a page in a language. */
export function blocksOf(page: string, language: string): string[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, name, text]) => (name === language ? [text ?? ''] : []));
}
