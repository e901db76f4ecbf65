import { readFileSync } from 'node:fs';
import { expect, lever, needsLevers, open, owing, test } from './world';

test.beforeEach(async ({ signIn }) => signIn());

test('shelf state: a live change reaches the table @phone', async ({ page }) => {
  await open(page, '/shelves?sort=seen&dir=desc');
  const first = page.locator('[aria-rowindex="2"]');
  await expect(first).toBeVisible();
  const before = await first.innerText();
  await expect.poll(() => first.innerText(), { timeout: 20_000 }).not.toBe(before);
});

test('shelf state: filters live in the URL and survive reload and Back', async ({ page }) => {
  await open(page, '/shelves');
  await expect(page.getByRole('gridcell').first()).toBeVisible();
  const count = page.getByTestId('rowcount');
  const everything = await count.innerText();
  await page.keyboard.press('/');
  await page.keyboard.type('BRG-01');
  await expect(page).toHaveURL(/q=BRG-01/);
  await expect(count).not.toHaveText(everything);
  const [shown] = (await count.innerText()).split(' ', 1); // stock changes meanwhile, and with it how many there are in all
  await page.reload();
  await expect(count).toHaveText(new RegExp(`^${shown} `));
  await page.getByRole('button', { name: /Below minimum/ }).click();
  await expect(page).toHaveURL(/status=low/);
  await page.goBack();
  await expect(page).not.toHaveURL(/status=low/);
});

test('shelf state: a zone of the map filters the table by mouse and by keyboard', async ({ page }) => {
  await open(page, '/shelves');
  await page.locator('[data-zone="SZ1-B"] [data-bay]').first().click();
  await expect(page).toHaveURL(/in=SZ1-B-01/);
  await expect(page.getByRole('gridcell').first()).toBeVisible();
  const places = async () =>
    [...new Set(await page.locator('.grow-row [role=gridcell]:nth-child(2)').allInnerTexts())].join();
  await expect.poll(places).toBe('SZ1-B-01');
  await page.locator('[data-zone="SZ1-R"]').focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/in=SZ1-R(&|$)/);
});

test('shelf state: a figure explains itself down to the reads', async ({ page }) => {
  await open(page, '/shelves');
  await page.getByRole('grid').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const detail = page.getByTestId('detail');
  await expect(detail).toBeFocused();
  await detail.locator('.why button').first().click();
  await expect(detail.getByText('Entries')).toBeVisible();
  await expect(detail.getByText('Strongest read')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(detail).toHaveCount(0);
  await expect(page.getByRole('grid')).toBeFocused();
});

test('shelf state: CSV has a byte order mark, translated heads and the filtered rows', async ({ page }) => {
  await open(page, '/shelves?in=SZ1-C');
  await expect(page.getByRole('gridcell').first()).toBeVisible();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ]);
  const text = readFileSync(await file.path(), 'utf8');
  expect(text.charCodeAt(0)).toBe(0xfeff);
  const shown = Number((await page.getByTestId('rowcount').innerText()).split(' ')[0]);
  expect(text.trim().split('\r\n')).toHaveLength(shown + 1);
  expect(text).toContain('"On hand"');
});

test('dock doors: a pass counts while it goes on, and lands in the list @phone', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '/docks');
  await expect(page.getByTestId('open-pass').first()).toBeVisible({ timeout: 90_000 });
  await expect(page.getByTestId('passes').locator('[data-open]').first()).toBeVisible();
});

test('dock doors: a pass shows what it moved', async ({ page }) => {
  await open(page, '/docks');
  const closed = page
    .getByTestId('passes')
    .locator('tr[data-way="in"]:not([data-open]), tr[data-way="out"]:not([data-open])');
  await closed.first().click();
  await expect(page).toHaveURL(/\/docks\/SZ1-D\d\?pass=/);
  await expect(page.getByTestId('pass-detail').getByText('What it moved')).toBeVisible();
});

test('alarms: acknowledging waits for the edge and lowers the count @phone', async ({ page, request }) => {
  needsLevers();
  test.setTimeout(120_000);
  await open(page, '/alarms');
  const count = await owing(page, request);
  const before = await count();
  const list = page.getByTestId('alarms-active');
  await lever(request, 'kill/edge');
  await list.getByRole('button', { name: 'Acknowledge', exact: true }).first().click();
  await expect(list.getByText('sending…').first()).toBeVisible();
  expect(await count()).toBe(before);
  await lever(request, 'start/edge');
  await expect(list.getByText('sending…')).toHaveCount(0, { timeout: 30_000 });
  await expect.poll(count).toBeLessThan(before);
});

test('alarms: shelving needs a reason, and the alarm moves to its own tab', async ({ page, request }) => {
  needsLevers();
  test.setTimeout(120_000);
  await open(page, '/alarms');
  await owing(page, request);
  await page.getByTestId('alarms-active').locator('tbody tr').first().click();
  const detail = page.getByTestId('alarm-detail');
  await detail.getByText('Shelve', { exact: true }).first().click();
  const go = detail.getByRole('button', { name: 'Shelve' });
  await expect(go).toBeDisabled();
  await detail.getByLabel('Reason').fill('Door is being repaired');
  await detail.getByRole('button', { name: '8 h' }).click();
  await go.click();
  const back = detail.getByRole('button', { name: 'Take off the shelf' });
  await expect(back).toBeVisible();
  await page.getByRole('button', { name: /^Shelved/ }).click();
  const shelved = page.getByTestId('alarms-shelved').locator('tbody tr');
  await expect(shelved).toHaveCount(1);
  await shelved.first().click();
  await back.click();
  await expect(page.getByTestId('alarms-shelved')).toHaveCount(0);
});

test('alarms: faults of devices have a lane of their own', async ({ page, request }) => {
  needsLevers();
  await open(page, '/alarms');
  await lever(request, 'tell/unplug uhf-a2');
  await expect(page.getByTestId('alarms-quality').getByText('uhf-a2 does not answer')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByTestId('alarms-active').getByText('uhf-a2')).toHaveCount(0);
  await lever(request, 'tell/replug uhf-a2');
});

test('replenishment: explains, rounds to packs, approves, and goes to the next @phone', async ({ page }) => {
  await open(page, '/replenishment');
  const rows = page.getByTestId('proposals').locator('tbody tr, li');
  await rows.first().click();
  const panel = page.getByTestId('proposal');
  await expect(panel.getByText('Reorder point s')).toBeVisible();
  await expect(panel.getByTestId('fanchart')).toBeVisible();
  const item = await panel.getByRole('heading').first().innerText();
  const quantity = panel.getByLabel('Order quantity');
  const proposed = Number(await quantity.inputValue());
  await quantity.fill(String(proposed + 1)); // everything of the site comes in packs of two or more
  await panel.getByRole('button', { name: 'Reject' }).focus();
  const rounded = Number(await quantity.inputValue());
  expect(rounded).toBeGreaterThan(proposed + 1);
  await panel.getByRole('button', { name: new RegExp(`^Approve ${rounded}`) }).click();
  await expect(panel.getByRole('heading').first()).not.toHaveText(item);
  await page.goto('/replenishment?state=approved&lang=en');
  await expect(rows.filter({ hasText: item }).filter({ hasText: String(rounded) })).not.toHaveCount(0);
});

test('replenishment: rejects with a reason by keyboard alone', async ({ page }) => {
  await open(page, '/replenishment');
  const rows = page.getByTestId('proposals').locator('tbody tr');
  await expect(rows.first()).toBeVisible();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  const panel = page.getByTestId('proposal');
  await expect(panel.getByText('Reorder point s')).toBeVisible();
  const item = await panel.getByRole('heading').first().innerText();
  await page.keyboard.press('r');
  await page.keyboard.type('Ends next month');
  await page.keyboard.press('Enter');
  await expect(rows.filter({ hasText: item })).toHaveCount(0);
  await page.goto('/replenishment?state=rejected&lang=en');
  await expect(rows.filter({ hasText: item })).not.toHaveCount(0);
});

test('keyboard goes to every page and tells its shortcuts', async ({ page }) => {
  await open(page, '/shelves');
  for (const [key, url] of [
    ['d', /\/docks/],
    ['a', /\/alarms/],
    ['r', /\/replenishment/],
    ['s', /\/shelves/],
  ] as const) {
    await page.keyboard.press('g');
    await page.keyboard.press(key);
    await expect(page).toHaveURL(url);
  }
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('an unknown page says so', async ({ page }) => {
  await open(page, '/nothing/here');
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
});

test('language is complete, remembered, and nothing is cut @phone', async ({ page }) => {
  await open(page, '/shelves', 'theme=light&lang=en');
  await page.getByRole('button', { name: 'Language' }).click();
  await page.getByRole('menuitem', { name: '简体中文' }).click();
  for (const [path, title] of [
    ['/shelves', '货架状态'],
    ['/docks', '月台门'],
    ['/alarms', '告警'],
    ['/replenishment', '补货'],
  ]) {
    await page.goto(path);
    await expect(page.getByRole('heading', { name: title, level: 1 })).toBeVisible();
    await expect(page.getByTestId('live')).toHaveText('实时');
    expect(await page.locator('body').innerText()).not.toMatch(
      /\b(nav|top|col|kpi|map|table|alarm|status|plan|door|pass)\.[a-z]/,
    );
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('button, h1, h2, .kpi .l, nav a')]
        .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1)
        .map((e) => e.textContent),
    );
    expect(cut, `cut on ${path}`).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, `page ${path} scrolls sideways`).toBe(0);
  }
});

test('theme changes by key and is remembered', async ({ page }) => {
  await open(page, '/shelves', 'lang=en');
  const theme = () => page.locator('html').getAttribute('data-mantine-color-scheme');
  const before = await theme();
  await page.keyboard.press('t');
  await expect.poll(theme).not.toBe(before);
  const after = await theme();
  await page.goto('/docks');
  await expect.poll(theme).toBe(after);
});

test('a hub that is away is said within 3 s, commands wait, and all recovers by itself', async ({ page, request }) => {
  needsLevers();
  test.setTimeout(120_000);
  await open(page, '/alarms');
  await owing(page, request);
  const button = page.getByTestId('alarms-active').getByRole('button', { name: 'Acknowledge', exact: true }).first();
  await expect(button).toBeEnabled();
  await lever(request, 'kill/hub');
  await expect(page.getByTestId('banner')).toContainText('Connection lost', { timeout: 3000 });
  await expect(button).toBeDisabled();
  await lever(request, 'start/hub');
  await expect(page.getByTestId('live')).toHaveText('Live', { timeout: 30_000 });
  await expect(page.getByTestId('banner')).toHaveCount(0);
  await expect(button).toBeEnabled();
});

test('an edge that has gone is said', async ({ page, request }) => {
  needsLevers();
  await open(page, '/shelves');
  await lever(request, 'kill/edge');
  await expect(page.getByTestId('edge-banner')).toContainText('SZ1-E1');
  await lever(request, 'start/edge');
  await expect(page.getByTestId('edge-banner')).toHaveCount(0, { timeout: 30_000 });
});

test('a first load that fails says so, offers to try again, and recovers by itself', async ({ page }) => {
  await page.route('**/stock/snapshot*', (r) => r.fulfill({ status: 500, body: '{}' }));
  await page.goto('/shelves?lang=en');
  await expect(page.getByRole('alert')).toContainText('Could not be loaded');
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
  await page.unroute('**/stock/snapshot*');
  await expect(page.getByRole('gridcell').first()).toBeVisible({ timeout: 15_000 });
});

test('eight tabs are live over one stream', async ({ context, page }) => {
  await open(page, '/shelves');
  for (let i = 0; i < 7; i++) await open(await context.newPage(), '/docks');
});

test('a wall screen has no controls', async ({ page }) => {
  await open(page, '/shelves?kiosk=1');
  await expect(page.getByRole('navigation')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Language' })).toHaveCount(0);
  await expect(page.getByTestId('floormap')).toBeVisible();
});

test('keys belong to the control that has the focus', async ({ page, request }) => {
  needsLevers();
  test.setTimeout(120_000);
  await open(page, '/alarms');
  const count = await owing(page, request);
  const before = await count();
  const list = page.getByTestId('alarms-active');
  await list.getByRole('button', { name: 'Acknowledge', exact: true }).first().focus();
  await page.keyboard.press('Enter');
  await expect.poll(count, { timeout: 15_000 }).toBeLessThan(before);
  await expect(page.getByTestId('alarm-detail')).toHaveCount(0);
  await list.locator('tbody tr').first().focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('alarm-detail')).toBeVisible();
});
