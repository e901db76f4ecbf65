/** The site that is shown: as the URL says, else as this browser remembers, else the first that the user may see. */
import { get } from '../api/client';
import type { List, Site } from '../api/types';
import { recall } from '../i18n/i18n';
import { Signal, useSignal } from './signal';

/** null until they are known. */
export const sites = new Signal<Site[] | null>(null);
const chosen = new Signal(new URLSearchParams(location.search).get('site') ?? recall('site') ?? '');

/** What is asked for, '' = whatever the hub shows first. */
export const wanted = chosen.get;
export const choose = chosen.set;
export const onChoice = chosen.subscribe;
const narrow = (all: Site[] | null, site: string) => (all && all.length > 1 ? site : '');
/** What lists are narrowed to: nothing where there is one site, so that what belongs to none is shown there. */
export const scope = () => narrow(sites.get(), chosen.get());
export const useSites = () => useSignal(sites) ?? [];
/** null until it is known which sites there are. */
export function useScope(): string | null {
  const all = useSignal(sites);
  const site = useSignal(chosen);
  return all && narrow(all, site);
}

/** A path with the site that it is narrowed to. */
export const scoped = (path: string, site: string | null = scope()) =>
  site ? `${path}${path.includes('?') ? '&' : '?'}site=${encodeURIComponent(site)}` : path;

/** Reads which sites there are, and turns from one that is not there. */
export async function loadSites(sent: Promise<List<Site>> = get('/sites')) {
  const all = await sent.then(
    (l) => l.items,
    () => [], // who sees no stock has no sites
  );
  sites.set(all);
  if (all.length < 2) choose('');
  else if (!all.some((s) => s.id === wanted())) choose(all[0].id);
}
