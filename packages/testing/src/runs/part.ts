/**
 * One part of a long list of things to do, so that a pass over all of it can be made in slices.
 */

/** The `number`-th of `of` parts, counted from 1. */
export interface Part {
  readonly number: number;
  readonly of: number;
}

/** All of it. */
export const WHOLE: Part = { number: 1, of: 1 };

/** Reads `2/8`. @returns nothing where that is no part. */
export function parsePart(text: string): Part | undefined {
  const [number, of, rest] = text.split('/').map(Number);
  if (number === undefined || of === undefined || rest !== undefined) return undefined;
  const isPart = Number.isInteger(number) && Number.isInteger(of) && number >= 1 && number <= of;
  return isPart ? { number, of } : undefined;
}

/** Every `of`-th entry: neighbours are alike, and so each part is a sample of the whole. */
export function takePart<T>(list: readonly T[], { number, of }: Part): T[] {
  return list.filter((_, i) => i % of === number - 1);
}
