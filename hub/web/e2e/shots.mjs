// Pictures of every page of a running hub as people see it, into shots/ (not kept in the repository):
// TALLYDOCK_E2E_URL=… TALLYDOCK_E2E_PASSWORD=… npm run shots [part of a name]
import { mkdirSync } from 'node:fs';
import { chromium } from '@playwright/test';
import { ARGS } from './browser.mjs';

const base = process.env.TALLYDOCK_E2E_URL;
if (!base) throw new Error('TALLYDOCK_E2E_URL is not set: give the address of a running hub');
const user = process.env.TALLYDOCK_E2E_USER ?? 'admin';
const password = process.env.TALLYDOCK_E2E_PASSWORD ?? '';
const only = process.argv[2] ?? '';
const LOOKS = {
  'desk-light-en': { w: 1920, h: 1080, query: 'theme=light&lang=en' },
  'desk-dark-zh': { w: 1920, h: 1080, query: 'theme=dark&lang=zh-CN' },
  'phone-light-zh': { w: 390, h: 844, query: 'theme=light&lang=zh-CN', touch: true },
  'phone-dark-en': { w: 390, h: 844, query: 'theme=dark&lang=en', touch: true },
  'wall-dark-en': { w: 1920, h: 1080, query: 'theme=dark&lang=en&kiosk=1' },
};
const row = (page) => page.getByTestId('stockgrid').locator('[aria-rowindex="3"]').click();
const first = (testid) => (page) => page.getByTestId(testid).locator('tbody tr, li').first().click();
const VIEWS = {
  shelves: { path: '/shelves', ready: '[data-bay]' },
  'shelves-detail': { path: '/shelves', ready: '[data-bay]', act: row },
  docks: { path: '/docks', ready: '[data-testid=passes]' },
  'docks-pass': { path: '/docks/SZ1-D1', ready: '[data-testid=passes]', act: first('passes') },
  alarms: { path: '/alarms', ready: '[data-testid=alarms-active]' },
  'alarms-detail': { path: '/alarms', ready: '[data-testid=alarms-active]', act: first('alarms-active') },
  replenishment: { path: '/replenishment', ready: '[data-testid=proposals]' },
  'replenishment-one': { path: '/replenishment', ready: '[data-testid=proposals]', act: first('proposals') },
  login: { path: '/login', ready: 'input[name=user]', out: true },
};

async function signedIn(browser, look) {
  const context = await browser.newContext({
    viewport: { width: look.w, height: look.h },
    hasTouch: !!look.touch,
    isMobile: !!look.touch,
    deviceScaleFactor: look.touch ? 2 : 1,
    timezoneId: 'Asia/Shanghai',
  });
  const page = await context.newPage();
  await page.request.post(`${base}/api/v1/session`, { data: { user, password } });
  return { context, page };
}

async function shoot(browser, name, view, look) {
  const { context, page } = await signedIn(browser, look);
  if (view.out) await context.clearCookies();
  const bad = [];
  page.on('console', (m) => m.type() === 'error' && !/401/.test(m.text()) && bad.push(m.text()));
  page.on('pageerror', (e) => bad.push(String(e)));
  await page.goto(`${base}${view.path}?${look.query}`);
  await page.waitForSelector(view.ready, { state: 'attached' });
  await page.waitForTimeout(900); // let live figures and charts arrive; a picture, not a test
  if (view.act && !look.query.includes('kiosk')) {
    await view.act(page);
    await page.waitForTimeout(700);
  }
  await page.screenshot({ path: `shots/${name}.png` });
  console.log(name, bad.length ? bad : 'ok');
  await context.close();
}

mkdirSync('shots', { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
try {
  for (const [v, view] of Object.entries(VIEWS))
    for (const [l, look] of Object.entries(LOOKS)) {
      if ((view.act || view.out) && l.startsWith('wall')) continue;
      const name = `${v}.${l}`;
      if (name.includes(only)) await shoot(browser, name, view, look);
    }
} finally {
  await browser.close();
}
