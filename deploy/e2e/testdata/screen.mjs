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
  await page.addInitScript(paintClock);
  if (password) {
    const answer = await page.request.post(`${url}/api/v1/session`, { data: { user, password } });
    if (!answer.ok()) throw new Error(`sign-in: ${answer.status()}`);
  }
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
 * Runs before the page's own scripts. What is changed within the callbacks of a frame, and what was changed before them, is
 * painted when the first task after that frame runs.
 */
function paintClock() {
  const after = new MessageChannel();
  const frame = window.requestAnimationFrame.bind(window);
  const waiting = [];
  let within = false;
  after.port1.onmessage = () => {
    within = false;
    for (const one of waiting.splice(0)) one.painted = Date.now();
  };
  window.requestAnimationFrame = (callback) =>
    frame((at) => {
      if (!within) after.port2.postMessage(0);
      within = true;
      callback(at);
    });
  window.whenPainted = (one) => {
    waiting.push(one);
    if (!within) window.requestAnimationFrame(() => {});
  };
}

/** Runs in the page: notes each change of the number in the row of a bay. */
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
    window.whenPainted(one);
  }).observe(row, { subtree: true, childList: true, characterData: true });
}
