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
