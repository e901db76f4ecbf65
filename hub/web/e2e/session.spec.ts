import type { Page } from '@playwright/test';
import { ADMIN, expect, needsViewer, open, test } from './world';

async function signOut(page: Page) {
  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login/);
}

test('signs in and comes back to the page that was asked for @phone', async ({ page, signIn }) => {
  void signIn;
  await page.goto('/docks?lang=en');
  await expect(page).toHaveURL(/\/login\?next=%2Fdocks/);
  await page.getByLabel('User').fill(ADMIN.user);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/docks/);
  await expect(page.getByRole('heading', { name: 'Dock doors' })).toBeVisible();
});

test('says when the password is wrong, and nothing else', async ({ page, signIn }) => {
  void signIn;
  await page.goto('/login?lang=en');
  await page.getByLabel('User').fill(ADMIN.user);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toHaveText('User or password is wrong.');
  await expect(page).toHaveURL(/\/login/);
});

test('goes to the login when the session ends, and back afterwards', async ({ page, context, signIn }) => {
  await signIn();
  await open(page, '/alarms?state=shelved');
  const other = await context.newPage();
  await open(other, '/shelves');
  await signOut(other);
  await expect(page).toHaveURL(/\/login\?next=/, { timeout: 12_000 });
  await page.getByLabel('User').fill(ADMIN.user);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/alarms\?state=shelved/);
  await expect(page.getByTestId('live')).toHaveText('Live');
});

const firstSteps = [
  {
    lang: 'en',
    user: 'User',
    old: 'Password',
    fresh: 'New password',
    signIn: 'Sign in',
    go: 'Continue',
    says: 'This password was made for you.',
  },
  { lang: 'zh-CN', user: '用户名', old: '密码', fresh: '新密码', signIn: '登录', go: '继续', says: '此密码由系统生成' },
];
for (const w of firstSteps) {
  test(`a password that was made is changed before anything else: ${w.lang}`, async ({ page, signIn }) => {
    await signIn();
    const { csrf } = await (await page.request.get('/api/v1/session')).json();
    const name = `new-${Date.now()}`;
    const made = await page.request.post('/api/v1/users', {
      headers: { 'X-CSRF-Token': csrf },
      data: { name, grants: [{ role: 'viewer', site: '' }], language: '' },
    });
    expect(made.ok(), await made.text()).toBe(true);
    const { password } = await made.json();
    await page.context().clearCookies();
    await page.goto(`/login?lang=${w.lang}`);
    await page.getByLabel(w.user).fill(name);
    await page.getByLabel(w.old).fill(password);
    await page.getByRole('button', { name: w.signIn, exact: true }).click();
    await expect(page.getByText(w.says)).toBeVisible();
    await page.goto(`/shelves?lang=${w.lang}`);
    await expect(page.getByText(w.says)).toBeVisible();
    await page.getByLabel(w.old, { exact: true }).fill(password);
    await page.getByLabel(w.fresh).fill('a password of my own');
    await page.getByRole('button', { name: w.go }).click();
    await expect(page.getByTestId('live')).toBeVisible();
  });
}

test('never goes to another site after signing in', async ({ page, signIn }) => {
  await signIn();
  await page.goto('/login?next=//example.org/x');
  await expect(page).toHaveURL(/\/shelves/);
});

test('signs out', async ({ page, signIn }) => {
  await signIn();
  await open(page, '/shelves');
  await signOut(page);
  await page.goto('/shelves');
  await expect(page).toHaveURL(/\/login/);
});

test('shows who may not act, and why', async ({ page, signIn }) => {
  needsViewer();
  await signIn('viewer');
  await open(page, '/alarms');
  const button = page
    .getByTestId('alarms-active')
    .getByRole('button', { name: /^Acknowledge/ })
    .first();
  await expect(button).toBeDisabled();
  await expect(button).toHaveAttribute('title', 'Needs the role operator');
});
