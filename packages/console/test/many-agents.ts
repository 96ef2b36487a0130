/** More agents than a test has the time to bring to life: answers of the gateway's shape, page by page, for one browser. */
import type { Page } from 'playwright-core';

const PAGE_SIZE = 10_000;

/** Has the lists that a page asks for hold so many agents. */
export async function listMany(page: Page, total: number): Promise<void> {
  await page.route(/\/agents\?.*limit=/, async (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0);
    const agents = Array.from({ length: PAGE_SIZE }, (_, at) => listed(from + at));
    const cursor = String(from + PAGE_SIZE);
    await route.fulfill({ json: { agents, ...(from + PAGE_SIZE < total && { cursor }) } });
  });
}

function listed(at: number): object {
  return {
    address: `order/row-${at}`,
    key: `order.row-${at}`,
    lifecycle: { name: 'asleep', sinceMs: 0 },
    state: 'open',
    updatedMs: at,
    sizeBytes: 700,
  };
}
