import { type APIRequestContext, test as base, expect, type Page } from '@playwright/test';

/** Against a real hub where one is given, else against the fixture, which can also be made to fail on purpose. */
export const real = !!process.env.TALLYDOCK_E2E_URL;
const ADMIN = {
  user: process.env.TALLYDOCK_E2E_USER ?? 'admin',
  password: process.env.TALLYDOCK_E2E_PASSWORD ?? 'adminadmin',
};

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
  signIn: async ({ page, request }, use) => {
    if (!real) await lever(request, 'reset');
    await use(async (user = ADMIN.user) => {
      const password = user === ADMIN.user ? ADMIN.password : user + user;
      const answer = await page.request.post('/api/v1/session', { data: { user, password } });
      expect(answer.ok(), `sign in as ${user}`).toBe(true);
    });
  },
});

/** Fixture only: down?ms=…, expire, edge?online=0, reset. */
export const lever = (request: APIRequestContext, name: string) => request.post(`/__fixture/${name}`);
export const onlyFixture = () => test.skip(real, 'needs a hub that can be made to fail: runs against the fixture');

export async function open(page: Page, path: string, query = 'lang=en&theme=light') {
  await page.goto(`${path}${path.includes('?') ? '&' : '?'}${query}`);
  await expect(page.getByTestId('live')).toHaveText(/Live|实时/);
}
export { ADMIN, expect };
