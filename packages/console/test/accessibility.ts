/** What axe finds on a page, against WCAG 2.2 AA. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** In both themes; all but colours is the same in the dark. Axe comes in by the debugger: the page's policy lets no script of others in. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate<boolean>('"axe" in globalThis'))) await page.evaluate(axe.source);
  await page.emulateMedia({ colorScheme: 'light' });
  const inLight = await run(page, tags);
  await page.emulateMedia({ colorScheme: 'dark' });
  return [...inLight, ...(await run(page, ['color-contrast']))];
}

async function run(page: Page, runOnly: readonly string[]): Promise<string[]> {
  const found = await page.evaluate<axe.AxeResults>(`axe.run(document, { runOnly: ${JSON.stringify(runOnly)} })`);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}
