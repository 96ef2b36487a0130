/**
 * Subject filters and subject transforms, as the server applies them.
 */
import { type AgentKey, partitionOf } from '@wakebus/protocol';

export type SubjectTest = (subject: string) => boolean;

const tests = new Map<string, SubjectTest>();

/** A test for a filter: `*` is one token, a last `>` is one or more. */
export function subjectTest(filter: string): SubjectTest {
  let test = tests.get(filter);
  if (test === undefined) {
    test = compile(filter);
    tests.set(filter, test);
  }
  return test;
}

/** Whether a filter names just one subject. */
export function isLiteral(filter: string): boolean {
  return !filter.includes('*') && !filter.endsWith('>');
}

function compile(filter: string): SubjectTest {
  if (filter === '>') return () => true;
  if (isLiteral(filter)) return (subject) => subject === filter;
  const stem = filter.slice(0, -1);
  if (!filter.includes('*')) return (subject) => subject.length > stem.length && subject.startsWith(stem);
  const tokens = filter.split('.');
  const open = tokens.at(-1) === '>';
  if (open) tokens.pop();
  return (subject) => matches(subject.split('.'), tokens, open);
}

function matches(subject: readonly string[], tokens: readonly string[], open: boolean): boolean {
  if (open ? subject.length <= tokens.length : subject.length !== tokens.length) return false;
  return tokens.every((token, i) => token === '*' || token === subject[i]);
}

/** Renames subjects that match; others come back as they are. */
export type SubjectTransform = (subject: string) => string;

const PARTITION = /^\{\{partition\((\d+),(\d+),(\d+)\)\}\}$/;
const WILDCARD = /^\{\{wildcard\((\d+)\)\}\}$/;

/** A transform in the server's notation, as far as {@link Layout} uses it. */
export function subjectTransform({ src, dest }: { readonly src: string; readonly dest: string }): SubjectTransform {
  const test = subjectTest(src);
  const sources = src.split('.');
  const stars = sources.flatMap((token, i) => (token === '*' ? [i] : []));
  const parts = dest.split('.').map((token) => destinationToken(token, sources.length - 1, stars));
  return (subject) => {
    if (!test(subject)) return subject;
    const tokens = subject.split('.');
    return parts.map((part) => part(tokens)).join('.');
  };
}

function destinationToken(
  token: string,
  restFrom: number,
  stars: readonly number[],
): (tokens: readonly string[]) => string {
  const star = (tokens: readonly string[], number: string | undefined): string =>
    tokens[stars[Number(number) - 1] as number] as string;
  if (token === '>') return (tokens) => tokens.slice(restFrom).join('.');
  const wildcard = WILDCARD.exec(token);
  if (wildcard !== null) return (tokens) => star(tokens, wildcard[1]);
  const partition = PARTITION.exec(token);
  if (partition === null) return () => token;
  return (tokens) =>
    String(
      partitionOf(`${star(tokens, partition[2])}.${star(tokens, partition[3])}` as AgentKey, Number(partition[1])),
    );
}
