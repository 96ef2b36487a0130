/** The console in a real browser, over a real server, placement node and gateway. */
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { till } from './agents.ts';
import { findChromium, launch } from './chromium.ts';
import { World } from './world.ts';

const executable = findChromium();

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
    await on.goto(world.page(path));
    await on.locator('h1').waitFor();
    await expect.poll(() => on.locator('.reading').count()).toBe(0);
  }

  function heading(): Promise<string | null> {
    return page.locator('h1').textContent();
  }

  function tabsOf(address: string): string[] {
    return ['now', 'history', 'effects', 'raw'].map((tab) => `agents/${address}?tab=${tab}`);
  }

  /** What axe finds against WCAG 2.2 AA. It comes in by the debugger: the page's policy lets no script of others in. */
  async function violations(): Promise<string[]> {
    await page.evaluate(axe.source);
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const found = await page.evaluate<axe.AxeResults>(`axe.run(document, { runOnly: ${JSON.stringify(tags)} })`);
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  }

  /** The states that the drawing shows an agent in. */
  function states(): Promise<string[]> {
    return page.locator('.drawing .active > .name').allTextContents();
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

    await expect.poll(states).toEqual(['● open', '● paid']);
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

  test('looking wakes nobody, on no page', async () => {
    await world.place('sleeper');
    await asleep('sleeper');
    const before = await world.client.inspect('order/sleeper');

    for (const path of [
      '',
      'agents',
      'parked',
      'parked?tab=held',
      'errors/DEAD_LETTERED',
      ...tabsOf('order/sleeper'),
    ]) {
      await open(path);
      expect(await heading()).not.toBe('No such page');
      expect(await page.locator('.problem').count()).toBe(0);
    }

    expect(await world.client.inspect('order/sleeper')).toEqual(before);
    expect(complaints).toEqual([]);
  });

  test.each(['light', 'dark'] as const)('every page can be used by everyone, in the %s theme', async (colorScheme) => {
    await world.place('fair');
    await asleep('fair');
    await page.emulateMedia({ colorScheme });

    for (const path of ['', 'agents', 'parked', 'parked?tab=held', 'errors/DEAD_LETTERED', ...tabsOf('order/fair')]) {
      await open(path);
      expect([path, await violations()]).toEqual([path, []]);
    }
    await page.getByRole('button', { name: 'remove', exact: true }).click();
    expect(await violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    expect(await violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    expect(await violations()).toEqual([]);
  });

  test('a gateway that is gone is said, what was read stays, and all goes on when it is back', async () => {
    await world.place('steady');
    await open('agents/order/steady');

    await world.stopGateway();
    await page.getByText('The gateway does not answer').waitFor();
    expect(await states()).toEqual(['● open', '● unpaid']);
    await world.startGateway();
    await world.client.agent('order', 'steady').send({ type: 'cancel' });

    await expect.poll(states).toEqual(['● cancelled']);
    expect(await page.locator('.banner').count()).toBe(0);
  });
});
