import { readFileSync } from 'node:fs';
import { expect, lever, onlyFixture, open, test } from './world';

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
  await page.keyboard.type('SKU-1001');
  await expect(page).toHaveURL(/q=SKU-1001/);
  await expect(count).not.toHaveText(everything);
  const filtered = await count.innerText();
  await page.reload();
  await expect(count).toHaveText(filtered);
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
  for (const cell of await page.locator('.grow-row [role=gridcell]:nth-child(2)').allInnerTexts())
    expect(cell).toBe('SZ1-B-01');
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
  onlyFixture();
  await open(page, '/docks');
  await expect(page.getByTestId('open-pass').first()).toBeVisible({ timeout: 30_000 });
  const rows = page.getByTestId('passes').locator('[data-open]');
  await expect(rows.first()).toBeVisible();
});

test('dock doors: a pass shows what it moved', async ({ page }) => {
  onlyFixture();
  await open(page, '/docks');
  const closed = page
    .getByTestId('passes')
    .locator('tr[data-way="in"]:not([data-open]), tr[data-way="out"]:not([data-open])');
  await closed.first().click();
  await expect(page).toHaveURL(/\/docks\/SZ1-D\d\?pass=/);
  await expect(page.getByTestId('pass-detail').getByText('What it moved')).toBeVisible();
});

test('alarms: acknowledging waits for the edge and lowers the count @phone', async ({ page }) => {
  onlyFixture();
  await open(page, '/alarms');
  await expect(page.getByText('2 unacknowledged')).toBeVisible();
  const list = page.getByTestId('alarms-active');
  await list.getByRole('button', { name: 'Acknowledge', exact: true }).first().click();
  await expect(list.getByText('sending…').first()).toBeVisible();
  await expect(page.getByText('1 unacknowledged')).toBeVisible();
  await expect(list.getByText('sending…')).toHaveCount(0);
});

test('alarms: shelving needs a reason, and the alarm moves to its own tab', async ({ page }) => {
  onlyFixture();
  await open(page, '/alarms');
  await page.getByTestId('alarms-active').locator('tbody tr').first().click();
  const detail = page.getByTestId('alarm-detail');
  await detail.getByText('Shelve', { exact: true }).first().click();
  const go = detail.getByRole('button', { name: 'Shelve' });
  await expect(go).toBeDisabled();
  await detail.getByLabel('Reason').fill('Door is being repaired');
  await detail.getByRole('button', { name: '15 min' }).click();
  await go.click();
  await expect(detail.getByText('Take off the shelf')).toBeVisible();
  await page.getByRole('button', { name: /^Shelved/ }).click();
  await expect(page.getByTestId('alarms-shelved').locator('tbody tr')).toHaveCount(2);
});

test('alarms: faults of devices have a lane of their own', async ({ page }) => {
  onlyFixture();
  await open(page, '/alarms');
  await expect(page.getByTestId('alarms-quality').getByText('r700-c does not answer')).toBeVisible();
  await expect(page.getByTestId('alarms-active').getByText('r700-c')).toHaveCount(0);
});

test('replenishment: explains, rounds to packs, approves, and goes to the next @phone', async ({ page }) => {
  onlyFixture();
  await open(page, '/replenishment');
  const list = page.getByTestId('proposals');
  await list.locator('tbody tr, li').first().click();
  const panel = page.getByTestId('proposal');
  await expect(panel.getByText('Reorder point s')).toBeVisible();
  await expect(panel.getByTestId('fanchart')).toBeVisible();
  await panel.getByLabel('Order quantity').fill('13');
  await panel.getByRole('button', { name: 'Reject' }).focus();
  await expect(panel.getByLabel('Order quantity')).toHaveValue('18');
  await panel.getByRole('button', { name: /^Approve 18/ }).click();
  await expect(list.locator('tbody tr, li')).toHaveCount(6);
  await page.goto('/replenishment?state=approved&lang=en');
  await expect(page.getByTestId('proposals').locator('tbody tr, li')).toHaveCount(2);
});

test('replenishment: rejects with a reason by keyboard alone', async ({ page }) => {
  onlyFixture();
  await open(page, '/replenishment');
  await expect(page.getByTestId('proposals').locator('tbody tr')).toHaveCount(7);
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('proposal').getByText('Reorder point s')).toBeVisible();
  await page.keyboard.press('r');
  await page.keyboard.type('Ends next month');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('proposals').locator('tbody tr')).toHaveCount(6);
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
  onlyFixture();
  await open(page, '/alarms');
  await expect(page.getByTestId('alarms-active')).toBeVisible();
  await lever(request, 'down?ms=6000');
  await expect(page.getByTestId('banner')).toContainText('Connection lost', { timeout: 3000 });
  await expect(page.getByTestId('alarms-active').getByRole('button', { name: 'Acknowledge' }).first()).toBeDisabled();
  await expect(page.getByTestId('live')).toHaveText('Live', { timeout: 12_000 });
  await expect(page.getByTestId('banner')).toHaveCount(0);
  await expect(page.getByTestId('alarms-active').getByRole('button', { name: 'Acknowledge' }).first()).toBeEnabled();
});

test('an edge that has gone is said', async ({ page, request }) => {
  onlyFixture();
  await open(page, '/shelves');
  await lever(request, 'edge?online=0');
  await expect(page.getByTestId('edge-banner')).toContainText('SZ1-E1');
  await lever(request, 'edge?online=1');
  await expect(page.getByTestId('edge-banner')).toHaveCount(0);
});

test('a first load that fails says so, offers to try again, and recovers by itself', async ({ page }) => {
  await page.route('**/stock/snapshot', (r) => r.fulfill({ status: 500, body: '{}' }));
  await page.goto('/shelves?lang=en');
  await expect(page.getByRole('alert')).toContainText('Could not be loaded');
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
  await page.unroute('**/stock/snapshot');
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

test('keys belong to the control that has the focus', async ({ page }) => {
  onlyFixture();
  await open(page, '/alarms');
  const first = page.getByTestId('alarms-active').locator('tbody tr').first();
  await first.getByRole('button', { name: 'Acknowledge' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByText('1 unacknowledged')).toBeVisible();
  await first.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('alarm-detail')).toBeVisible();
});
