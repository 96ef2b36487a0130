/** The mark in comments that are ours: a comment of HTML with the key, which nobody sees. */

export const GITHUB_MARK = '<!-- wakebus:';

/** The mark of a message. Hyphens are escaped: two of them would end the comment in some readers. */
export function markOf(key: string): string {
  return `${GITHUB_MARK}${encodeURIComponent(key).replaceAll('-', '%2D')} -->`;
}
