// Opens the page of shelf states in Chromium and notes when the number of one row changes. Says "ready" on its standard
// output; when its input ends it writes what it saw as one line of JSON: [{value, changed, painted}], in unix milliseconds.
import { createRequire } from 'node:module';

const web = new URL('../../../hub/web/', import.meta.url);
const { chromium } = createRequire(new URL('package.json', web))('playwright-core');
const { ARGS } = await import(new URL('e2e/browser.mjs', web));
const { SCREEN_URL: url, SCREEN_USER: user, SCREEN_PASSWORD: password, SCREEN_ITEM: item, SCREEN_BAY: bay } = process.env;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
try {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  const answer = await page.request.post(`${url}/api/v1/session`, { data: { user, password } });
  if (!answer.ok()) throw new Error(`sign-in: ${answer.status()}`);
  await page.goto(`${url}/shelves?lang=en&theme=light&q=${item}+${bay}`);
  await page.getByTestId('live').filter({ hasText: 'Live' }).waitFor();
  await page.getByTestId('stockgrid').getByRole('row').filter({ hasText: bay }).waitFor();
  await page.evaluate(watch, bay);
  console.log('ready');
  for await (const _ of process.stdin);
  console.log(JSON.stringify(await page.evaluate(() => window.seen)));
} finally {
  await browser.close();
}

/**
 * Runs in the page. A number is painted for sure when the task after the next frame's callbacks runs: when the change was
 * made within a frame's callbacks it was painted up to a frame earlier.
 */
function watch(bay) {
  const grid = document.querySelector('[data-testid=stockgrid]');
  const heads = [...grid.querySelectorAll('[role=columnheader]')].map((h) => h.textContent.trim());
  const column = heads.findIndex((h) => h.startsWith('On hand'));
  const row = [...grid.querySelectorAll('[role=row]')].find((r) => r.textContent.includes(bay));
  const shown = () => Number(row.querySelectorAll('[role=gridcell]')[column].textContent.replace(/\D/g, ''));
  let last = shown();
  window.seen = [];
  new MutationObserver(() => {
    const value = shown();
    if (value === last) return;
    last = value;
    const one = { value, changed: Date.now(), painted: 0 };
    window.seen.push(one);
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        one.painted = Date.now();
        port1.close();
      };
      port2.postMessage(0);
    });
  }).observe(row, { subtree: true, childList: true, characterData: true });
}
