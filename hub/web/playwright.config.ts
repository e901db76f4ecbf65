import { defineConfig, devices } from '@playwright/test';
import { ARGS } from './e2e/browser.mjs';

/** Given TALLYDOCK_E2E_URL (with _USER and _PASSWORD) the specs run against a real hub, else against the fixture. */
const PORT = 7830;
const given = process.env.TALLYDOCK_E2E_URL;
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
    baseURL: given ?? `http://127.0.0.1:${PORT}`,
    launchOptions,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    timezoneId: 'Asia/Shanghai',
    locale: 'en-GB',
  },
  webServer: given
    ? undefined
    : {
        command: `node e2e/fixture/server.mjs -port ${PORT}`,
        url: `http://127.0.0.1:${PORT}/icon.svg`,
        reuseExistingServer: false,
      },
  projects: [
    { name: 'desktop', use: { ...devices['Desktop Chrome'], viewport: { width: 1920, height: 1080 }, launchOptions } },
    { name: 'phone', grep: /@phone/, use: { ...devices['Desktop Chrome'], ...phone, launchOptions } },
  ],
});
