import { Menu } from '@mantine/core';
import { IconCheck, IconChevronDown } from '@tabler/icons-react';
import { useEffect } from 'react';
import { useLocation, useNavigate } from 'react-router';
import type { Site } from '../api/types';
import { stock } from '../core/app';
import { useStockLoad, useView } from '../core/hooks';
import { named } from '../core/names';
import { choose, useScope, useSites } from '../core/site';
import { remember, t, useT } from '../i18n/i18n';
import { kiosk } from './wall';

/** Where there are several sites the URL says which is shown, on every page: a link leads others to the same one. */
export function useSiteInURL() {
  const [view, patch] = useView();
  const all = useSites();
  const site = useScope();
  const asked = view.get('site');
  useEffect(() => {
    if (!site || asked === site) return;
    if (all.some((s) => s.id === asked)) choose(asked as string);
    else patch({ site });
  }, [all, site, asked, patch]);
}

const nameOf = (s: Site, lang: Parameters<typeof named>[2]) => named(s.name, s.id, lang);

/** The site's name; where there are several, a menu of them. */
export function SiteSwitch() {
  const { lang } = useT();
  useStockLoad();
  const all = useSites();
  const site = useScope();
  const here = all.find((s) => s.id === site);
  if (kiosk || !here) {
    const place = stock.locations.find((l) => l.kind === 'site' && l.code === stock.site);
    return (
      <span className="site">
        {here ? nameOf(here, lang) : place ? named(place.name, place.code, lang) : stock.site}
      </span>
    );
  }
  return <SiteMenu all={all} here={here} />;
}

function SiteMenu({ all, here }: { all: Site[]; here: Site }) {
  const { lang } = useT();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const go = (site: string) => {
    remember('site', site);
    const page = pathname.split('/')[1]; // a door, a row or an alarm is of the site before
    void navigate(`/${page}?site=${encodeURIComponent(site)}`);
  };
  return (
    <Menu position="bottom-start" width={280}>
      <Menu.Target>
        <button
          type="button"
          className="btn quiet siteswitch"
          aria-label={`${t('top.site')}: ${nameOf(here, lang)}`}
          data-testid="siteswitch"
        >
          <span>{nameOf(here, lang)}</span>
          <IconChevronDown size={15} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown className="sitemenu" aria-label={t('top.site')}>
        {all.map((s) => (
          <Menu.Item
            key={s.id}
            onClick={() => go(s.id)}
            aria-current={s.id === here.id ? 'true' : undefined}
            rightSection={s.id === here.id && <IconCheck size={15} aria-hidden />}
          >
            {nameOf(s, lang)}
            <span className="line2 dimc">
              {s.id} · {t('top.siteEdges', { online: s.online, edges: s.edges })}
            </span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
