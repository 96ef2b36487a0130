/** The console in a real browser, over a real server, placement node and gateway. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { violations } from './accessibility.ts';
import { till } from './agents.ts';
import { findChromium, launch } from './chromium.ts';
import { listMany } from './many-agents.ts';
import { World } from './world.ts';

const executable = findChromium();
/** All pages but those of one agent or one chain. */
const places = [
  '',
  'agents',
  'wakes',
  'parked',
  'parked?tab=held',
  'timers',
  'types',
  'types/order',
  'nodes',
  'audit',
  'audit?tab=incidents',
  'audit?tab=channels',
  'errors/DEAD_LETTERED',
];

describe.skipIf(executable === undefined)('the console', () => {
  let world: World;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** What the browser complained of. */
  const complaints: string[] = [];

  beforeAll(async () => {
    [world, browser] = await Promise.all([World.start(), launch(executable ?? '')]);
  });

  afterAll(async () => {
    await browser.close();
    await world[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1360, height: 860 } });
    page = await context.newPage();
    complaints.length = 0;
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  });

  afterEach(() => context.close());

  /** Opens a page and waits until what was read is there. */
  async function open(path: string, on: Page = page): Promise<void> {
    await on.goto('about:blank');
    await show(path, on);
  }

  /** The same, without beginning anew. */
  async function show(path: string, on: Page = page): Promise<void> {
    await on.goto(world.page(path));
    await on.locator('h1').waitFor();
    await expect.poll(() => on.locator('.reading').count()).toBe(0);
  }

  function heading(): Promise<string | null> {
    return page.locator('h1').textContent();
  }

  function tabsOf(address: string): string[] {
    return ['now', 'history', 'wakes', 'effects', 'raw'].map((tab) => `agents/${address}?tab=${tab}`);
  }

  /** The states that the drawing shows an agent in. */
  function states(on: Page = page): Promise<string[]> {
    return on.locator('.drawing .active > .name').allTextContents();
  }

  async function phase(id: string): Promise<string | undefined> {
    return (await world.client.inspect(`order/${id}`))?.lifecycle.name;
  }

  async function asleep(id: string): Promise<void> {
    await expect.poll(() => phase(id)).toBe('asleep');
  }

  /** Says yes in the dialog that is open, and waits for the outcome. */
  async function confirm(button: string): Promise<void> {
    await page.getByRole('dialog').getByRole('button', { name: button, exact: true }).click();
    await page.locator('.outcome .good').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  }

  test('an operator who has only the console finds a dead letter, and replays it', async () => {
    await world.place('lost');
    const letter = await world.lose('lost', 4200);

    await open('');
    await page
      .getByRole('link', { name: /dead letter/ })
      .first()
      .click();
    await page.getByRole('button', { name: /pay\s*order\/lost/ }).click();
    await page.getByText('the till is out of paper').first().waitFor();
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('paper is in');
    expect(await dialog.locator('.command code').textContent()).toBe(
      `wakebus dead replay ${letter} --reason 'paper is in'`,
    );
    await confirm('Replay');

    await page.getByText('No dead letters').waitFor();
    await expect.poll(async () => (await world.client.inspect('order/lost'))?.context).toMatchObject({ paid: 4200 });
    const { entries } = await world.client.audit({ target: 'order/lost' });
    expect(entries).toMatchObject([
      { action: 'replay', outcome: 'asked', by: 'http:loopback', reason: 'paper is in' },
      { action: 'replay', outcome: 'done' },
    ]);
  });

  test('an agent is shown with why it sleeps, where it stands, and what it has done', async () => {
    await world.place('shown');
    await asleep('shown');

    await open('agents/order/shown');

    expect(await page.locator('.lead').textContent()).toMatch(
      /asleep for .+ Any message wakes it, or the timer “after 7 d” in/,
    );
    expect(await states()).toEqual(['● open', '● unpaid']);
    await page.getByText('The same as a table').click();
    await page.getByRole('cell', { name: 'open.unpaid (now)' }).first().waitFor();
    await page.keyboard.press(']');
    await expect.poll(() => page.getByRole('tab', { selected: true }).textContent()).toBe('History');
    await page.getByText('send placed to shop/main').waitFor();
    expect(await page.locator('.states').textContent()).toBe('born → open.unpaid');
  });

  test('what happens is shown while one looks, without a step of the reader', async () => {
    await world.place('watched');
    await open('agents/order/watched');
    await expect.poll(() => page.locator('.freshness').textContent()).toBe('live');

    await world.client.agent('order', 'watched').send({ type: 'pay', cents: 5 });

    await expect.poll(() => states()).toEqual(['● open', '● paid']);
  });

  test('an event is sent from a form that its schema has filled', async () => {
    await world.place('asked');
    await open('agents/order/asked');

    await page.getByRole('button', { name: 'Send an event' }).click();
    await page.getByLabel('Event').selectOption('pay');
    await expect.poll(() => page.getByLabel('Payload').inputValue()).toContain('"cents": 0');
    await page.getByLabel('Payload').fill('{"cents": 7}');
    expect(await page.getByRole('dialog').locator('.command code').textContent()).toBe(
      `wakebus send order/asked pay '{"cents":7}' --wait`,
    );
    await page.getByRole('button', { name: 'Send', exact: true }).click();

    await page.getByRole('dialog').getByText('"thanks"').waitFor();
    expect((await world.client.inspect('order/asked'))?.context).toMatchObject({ paid: 7 });
  });

  test('agents are suspended and resumed, and removed by who can name them', async () => {
    await world.place('ruled');
    await asleep('ruled');
    await open('agents/order/ruled');

    await page.getByRole('button', { name: 'suspend', exact: true }).click();
    await page.getByLabel('Reason').fill('to look');
    await confirm('Suspend');
    await page.locator('.lead .suspended').waitFor();
    await page.getByRole('button', { name: 'resume', exact: true }).click();
    await confirm('Resume');
    await page.getByRole('button', { name: 'remove', exact: true }).click();
    const remove = page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true });
    expect(await remove.isDisabled()).toBe(true);
    await page.getByLabel('This cannot be undone').fill('order/ruled');
    await confirm('Remove');

    await page.locator('.lead .removed').waitFor();
    expect(await phase('ruled')).toBe('removed');
  });

  test('several agents are chosen, and worked off one by one', async () => {
    for (const id of ['bulk-1', 'bulk-2']) await world.place(id);
    await Promise.all(['bulk-1', 'bulk-2'].map(asleep));
    await open('agents?type=order');

    for (const id of ['bulk-1', 'bulk-2']) await page.getByLabel(`Select order/${id}`).check();
    await page
      .getByRole('group', { name: 'With the chosen agents' })
      .getByRole('button', { name: 'suspend', exact: true })
      .click();
    await confirm('Suspend');

    expect(await Promise.all(['bulk-1', 'bulk-2'].map(phase))).toEqual(['suspended', 'suspended']);
    await world.client.release('order/bulk-1');
    await world.client.release('order/bulk-2');
  });

  test('an effect of which nobody knows is resolved', async () => {
    await world.client.agent('shop', 'resolved').send({ type: 'restock' });
    await open('agents/shop/resolved?tab=effects');

    await page.getByRole('button', { name: 'Resolve', exact: true }).click();
    await page.getByLabel('It is').selectOption('done');
    await confirm('Resolve');

    await page.locator('.effect-done').waitFor();
    await expect.poll(async () => (await world.client.inspect('shop/resolved'))?.state).toBe('trading');
  });

  test('what stands aside is seen, and taken when its agent is resumed', async () => {
    till.isMended = true;
    await world.place('aside');
    await asleep('aside');
    await world.client.suspend('order/aside');
    await world.client.agent('order', 'aside').send({ type: 'pay', cents: 3 });
    await world.client.suspend('order/aside');

    await open('parked?tab=held');
    await page.getByRole('button', { name: /pay\s*order\/aside/ }).click();
    await page.getByRole('button', { name: 'Resume order/aside' }).click();
    await confirm('Resume');

    await page.getByText('Nothing is held').waitFor();
    await expect.poll(async () => (await world.client.inspect('order/aside'))?.context).toMatchObject({ paid: 3 });
  });

  test('a chain is shown as a tree, with what caused what', async () => {
    await world.place('caused');
    await expect.poll(async () => (await world.client.explain('order/caused'))?.steps).toBe(2);
    await open('wakes');

    await page
      .getByRole('row', { name: /order\/caused/ })
      .getByRole('link')
      .first()
      .click();

    const steps = page.getByRole('group', { name: 'Steps of the chain' }).locator('tbody tr');
    await expect.poll(() => steps.count()).toBe(2);
    expect(await steps.nth(0).textContent()).toMatch(/place.*order\/caused.*open\.unpaid/);
    expect(await steps.nth(1).textContent()).toMatch(/message: placed.*shop\/main.*trading/);
  });

  test('a timer is fired before its time, and an agent type disabled and enabled', async () => {
    await world.place('timed');
    await asleep('timed');
    await open('timers');

    const row = page.getByRole('row', { name: /order\/timed/ });
    await row.getByRole('button', { name: 'fire' }).click();
    await confirm('Fire');
    await expect.poll(async () => (await world.client.inspect('order/timed'))?.state).toBe('cancelled');
    await open('types/shop');
    await page.getByRole('button', { name: 'disable' }).click();
    await page.getByLabel('This cannot be undone').fill('shop');
    await confirm('Disable');
    await page.getByText('No agent of it runs anywhere').waitFor();
    await page.getByRole('button', { name: 'enable' }).click();
    await confirm('Enable');

    expect(await world.client.types.disabled('shop')).toBeUndefined();
    await open('audit');
    const newest = page.getByRole('group', { name: 'What operators did' }).locator('tbody tr').first();
    await expect.poll(() => newest.textContent()).toMatch(/enable.*shop.*done.*http:loopback/);
  });

  test('a refused trigger stands in the audit under its endpoint, which is no agent', async () => {
    const told = { by: 'http', facts: { count: 7 } };
    await world.client.noteRefusal('deliver', '/hooks/github', 'SIGNATURE_INVALID', told);

    await open('audit');
    const row = page.getByRole('group', { name: 'What operators did' }).locator('tr', { hasText: '/hooks/github' });

    expect(await row.textContent()).toMatch(/deliver.*refused.*SIGNATURE_INVALID × 7.*http/);
    expect(await row.locator('a.address').count()).toBe(0);
  });

  test('what agents and senders write is text, wherever it stands', async () => {
    const hostile = '<img src=x onerror=document.title="owned">"\'&{}</script><script>alert(1)</script>\u202e';
    await world.client.agent('order', hostile).send({ type: 'note', text: hostile });
    await expect.poll(() => phase(hostile)).toBe('asleep');
    await world.client.suspend(`order/${hostile}`, { reason: hostile });

    await open('');
    for (const path of ['', 'agents', 'wakes', 'audit', `wakes/${encodeURIComponent(`order/${hostile}`)}`]) {
      await show(path);
      await page.getByText('<img src=x').first().waitFor();
    }
    for (const path of tabsOf(`order/${encodeURIComponent(hostile)}`)) await show(path);

    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).not.toBe('owned');
    expect(complaints).toEqual([]);
    await world.client.release(`order/${hostile}`);
  });

  test('two tabs follow by one stream each, and show the same; a tab that nobody sees rests', async () => {
    await world.place('shared');
    const other = await context.newPage();
    const both = [page, other];
    const streams: string[] = [];
    for (const each of both)
      each.on('request', (request) => /\/events\b/.test(request.url()) && streams.push(request.url()));
    for (const each of both) await open('agents/order/shared', each);
    for (const each of both) await expect.poll(() => each.locator('.freshness').textContent()).toBe('live');
    expect(streams).toHaveLength(2);

    await world.client.agent('order', 'shared').send({ type: 'cancel' });

    for (const each of both) await expect.poll(() => states(each)).toEqual(['● cancelled']);
    await page.evaluate(`Object.defineProperty(document, 'hidden', { get: () => true });
      document.dispatchEvent(new Event('visibilitychange'))`);
    await expect.poll(() => page.locator('.freshness').textContent()).toBe('resting');
  });

  test('of a hundred thousand agents only those in sight are in the page', async () => {
    await listMany(page, 100_000);
    await open('agents');

    await page.locator('.virtual').focus();
    await expect
      .poll(async () => {
        await page.keyboard.press('End');
        return page.locator('.lead').textContent();
      })
      .toMatch(/^100,000 shown/);
    await page.keyboard.press('End');

    await page.getByText('order/row-99999').waitFor();
    expect(await page.locator('.virtual-row').count()).toBeLessThan(60);
  });

  test('looking wakes nobody, on no page; and everyone can look, in both themes', async () => {
    await world.place('sleeper');
    await asleep('sleeper');
    const before = await world.client.inspect('order/sleeper');

    await open('');
    for (const path of [...places, 'wakes/order%2Fsleeper', ...tabsOf('order/sleeper')]) {
      await show(path);
      expect(await heading()).not.toBe('No such page');
      expect(await page.locator('.problem').count()).toBe(0);
      expect([path, await violations(page)]).toEqual([path, []]);
    }

    expect(await world.client.inspect('order/sleeper')).toEqual(before);
    expect(complaints).toEqual([]);
  });

  test('everyone can use what lies above a page', async () => {
    await world.place('fair');
    await open('agents/order/fair');

    await page.getByRole('button', { name: 'remove', exact: true }).click();
    expect(await violations(page)).toEqual([]);
    for (const key of ['Control+k', '?']) {
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      await page.keyboard.press(key);
      await page.getByRole('dialog').waitFor();
      expect(await violations(page)).toEqual([]);
    }
  });

  test('a gateway that is gone is said, what was read stays, and all goes on when it is back', async () => {
    await world.place('steady');
    await open('agents/order/steady');

    await world.stopGateway();
    await page.getByText('The gateway does not answer').waitFor();
    expect(await states()).toEqual(['● open', '● unpaid']);
    await world.startGateway();
    await world.client.agent('order', 'steady').send({ type: 'cancel' });

    await expect.poll(() => states()).toEqual(['● cancelled']);
    expect(await page.locator('.banner').count()).toBe(0);
  });
});
