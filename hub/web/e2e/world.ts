import { type APIRequestContext, test as base, expect, type Page } from '@playwright/test';

/** A site that works, such as the one of make run; see playwright.config.ts. */
const ADMIN = {
  user: process.env.TALLYDOCK_E2E_USER ?? 'admin',
  password: process.env.TALLYDOCK_E2E_PASSWORD ?? '',
};
const VIEWER = process.env.TALLYDOCK_E2E_VIEWER;
const LEVERS = process.env.TALLYDOCK_E2E_LEVERS;

/** What a browser says about answers that the tests provoke: a refused session, a hub that is away. */
const PROVOKED = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|Failed to load resource/;

type Fixtures = { clean: undefined; signIn: (user?: string) => Promise<void> };
export const test = base.extend<Fixtures>({
  // Any console error, page error, CSP violation or request to another host fails the test.
  clean: [
    async ({ page, baseURL }, use) => {
      const bad: string[] = [];
      page.on('console', (m) => m.type() === 'error' && !PROVOKED.test(m.text()) && bad.push(m.text()));
      page.on('pageerror', (e) => bad.push(String(e)));
      page.on('request', (r) => {
        if (/^https?:/.test(r.url()) && !r.url().startsWith(baseURL as string)) bad.push(`request to ${r.url()}`);
      });
      await use(undefined);
      expect(bad, 'errors in the console').toEqual([]);
    },
    { auto: true },
  ],
  signIn: async ({ page }, use) => {
    await use(async (user = ADMIN.user) => {
      const password = user === ADMIN.user ? ADMIN.password : VIEWER;
      const answer = await page.request.post('/api/v1/session', { data: { user, password } });
      expect(answer.ok(), `sign in as ${user}`).toBe(true);
    });
  },
});

/** Breaks the site or mends it: kill/edge, start/edge, tell/unplug uhf-a2. */
export async function lever(request: APIRequestContext, what: string) {
  const answer = await request.post(`${LEVERS}/${encodeURI(what)}`);
  expect(answer.ok(), `${what}: ${await answer.text()}`).toBe(true);
}
export const needsLevers = () => test.skip(!LEVERS, 'needs a site that may be broken: make test-e2e');
export const needsViewer = () => test.skip(!VIEWER, 'needs the user viewer: make test-e2e');

/** How many alarms of the process wait to be acknowledged, on the page of alarms; makes one where there is none. */
export async function owing(page: Page, request: APIRequestContext) {
  const count = async () => Number.parseInt(await page.locator('.pagehead p').innerText(), 10);
  const wait = (timeout: number) => expect.poll(count, { timeout }).toBeGreaterThan(0);
  await wait(2000).catch(async () => {
    await lever(request, 'tell/unplug probe-r');
    await wait(60_000);
    await lever(request, 'tell/replug probe-r');
  });
  return count;
}

export async function open(page: Page, path: string, query = 'lang=en&theme=light') {
  await page.goto(`${path}${path.includes('?') ? '&' : '?'}${query}`);
  await expect(page.getByTestId('live')).toHaveText(/Live|实时/);
}
export { ADMIN, expect };
