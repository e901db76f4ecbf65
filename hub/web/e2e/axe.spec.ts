import AxeBuilder from '@axe-core/playwright';
import { expect, open, test } from './world';

const PAGES: [path: string, ready: string, opens?: string][] = [
  ['/shelves', '[role=gridcell]', '[aria-rowindex="3"]'],
  ['/docks', '[data-testid=passes]'],
  ['/docks/SZ1-D1', '[data-testid=passes]', '[data-testid=passes] tbody tr, [data-testid=passes] li'],
  ['/alarms', '[data-testid=alarms-active]', '[data-testid=alarms-active] tbody tr, [data-testid=alarms-active] li'],
  ['/replenishment', '[data-testid=proposals]', '[data-testid=proposals] tbody tr, [data-testid=proposals] li'],
];
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Every two of theme, language and size meet once. */
const LOOKS = [
  ['light', 'en', 'desktop'],
  ['dark', 'zh-CN', 'desktop'],
  ['light', 'zh-CN', 'phone'],
  ['dark', 'en', 'phone'],
];
for (const [theme, lang, size] of LOOKS)
  test(`axe finds nothing: ${theme} ${lang} @${size}`, async ({ page, signIn }, { project }) => {
    test.skip(project.name !== size);
    test.setTimeout(180_000);
    await signIn();
    // Blinking glyphs are half transparent every other moment; axe must see the steady picture.
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const check = async (where: string, part = 'html') => {
      const { violations } = await new AxeBuilder({ page }).include(part).withTags(TAGS).analyze();
      const said = violations.map(
        (v) =>
          `${v.id}: ${v.nodes
            .slice(0, 3)
            .map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? n.all[0]?.message ?? ''}`)
            .join(' | ')}`,
      );
      expect.soft(said, where).toEqual([]);
    };
    for (const [path, ready, opens] of PAGES) {
      await open(page, path, `theme=${theme}&lang=${lang}`);
      await page.locator(ready).first().waitFor({ state: 'attached' });
      await check(path);
      if (!opens) continue;
      await page.locator(opens).first().click();
      await page.getByRole('dialog').waitFor();
      await check(`${path}, opened`, '[role=dialog]');
    }
    await page.context().clearCookies();
    await page.goto(`/login?theme=${theme}&lang=${lang}`);
    await page.locator('input[name=user]').waitFor();
    await check('/login');
  });
