import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Site } from '../api/types';

const sitesOf = (...ids: string[]) => ({
  items: ids.map((id): Site => ({ id, name: { en: id, zh: '' }, places: 1, edges: 1, online: 1 })),
  next: '',
});
/** The module as it is in a page that was opened at an address, in a browser that remembers a site. */
async function opened(search: string, remembered: string | null = null) {
  vi.resetModules();
  vi.stubGlobal('location', { search });
  vi.stubGlobal('localStorage', { getItem: () => remembered, setItem: () => {} });
  return await import('./site');
}
beforeEach(() => {
  vi.unstubAllGlobals();
});

describe('the site that is shown', () => {
  it.each([
    ['the URL says', '?site=B', 'C', 'B'],
    ['the browser remembers', '', 'C', 'C'],
    ['comes first, where nobody says', '', null, 'A'],
    ['comes first, where another is asked for that is not there', '?site=NOPE', 'C', 'A'],
  ])('is that which %s', async (_, search, remembered, want) => {
    const m = await opened(search, remembered);
    expect(m.scope()).toBe('');
    await m.loadSites(Promise.resolve(sitesOf('A', 'B', 'C')));
    expect([m.wanted(), m.scope(), m.scoped('/edges'), m.scoped('/alarms?state=all')]).toEqual([
      want,
      want,
      `/edges?site=${want}`,
      `/alarms?state=all&site=${want}`,
    ]);
  });
  it('narrows nothing where there is one, or none that the user may see', async () => {
    for (const sites of [Promise.resolve(sitesOf('A')), Promise.reject(new Error('403'))]) {
      const m = await opened('?site=B');
      await m.loadSites(sites);
      expect([m.wanted(), m.scope(), m.scoped('/edges')]).toEqual(['', '', '/edges']);
    }
  });
});
