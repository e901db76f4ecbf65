import { defineConfig, devices } from '@playwright/test';
import { ARGS } from './e2e/browser.mjs';

/**
 * The specs drive the console of a site that works: TALLYDOCK_E2E_URL, with _USER and _PASSWORD. make test-e2e starts one
 * for them and also gives them _VIEWER, the password of a user viewer, and _LEVERS, which break it.
 */
const baseURL = process.env.TALLYDOCK_E2E_URL;
if (!baseURL) throw new Error('TALLYDOCK_E2E_URL is not set: run make test-e2e, or give the address of a running hub');
const launchOptions = { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

export default defineConfig({
  testDir: './e2e',
  fullyParallel: false,
  workers: 1, // two cores: more workers make waiting tests unsure
  forbidOnly: !!process.env.CI,
  retries: 0, // a test that fails sometimes is a bug
  timeout: 45_000,
  expect: { timeout: 8_000 },
  reporter: [['list']],
  use: {
    baseURL,
    launchOptions,
    screenshot: 'only-on-failure',
    timezoneId: 'Asia/Shanghai',
    locale: 'en-GB',
  },
  projects: [
    { name: 'desktop', use: { ...devices['Desktop Chrome'], viewport: { width: 1920, height: 1080 }, launchOptions } },
    { name: 'phone', grep: /@phone/, use: { ...devices['Desktop Chrome'], ...phone, launchOptions } },
  ],
});
