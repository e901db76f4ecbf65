import { lazy, Suspense, useEffect, useState } from 'react';
import { Navigate, NavLink, Outlet, useLocation, useNavigate } from 'react-router';
import { ApiError } from '../api/client';
import { boot } from '../core/app';
import { useLive } from '../core/hooks';
import { useKeys } from '../core/keys';
import { useWho } from '../core/session';
import { t, useT } from '../i18n/i18n';
import { Failure, Skeleton } from '../ui/bits';
import { AlarmBar, useCounts } from './AlarmBar';
import { Controls, useTheme } from './Controls';
import { Banner, Clock, LiveBadge } from './Live';
import { Logo } from './Logo';
import { NAV } from './nav';
import { SiteSwitch, useSiteInURL } from './SiteSwitch';
import { kiosk, runWall } from './wall';

const Help = lazy(() => import('./Help'));

function Rail() {
  const counts = useCounts();
  const unacked = counts[1].unacked + counts[2].unacked + counts[3].unacked;
  return (
    <nav className="side" aria-label={t('top.menu')}>
      {NAV.map(({ key, to, Icon, group }, i) => (
        <div key={to}>
          {NAV[i - 1]?.group !== group && <h2>{t(group)}</h2>}
          <NavLink to={to} title={t(key)}>
            <Icon size={17} stroke={1.7} aria-hidden />
            <span>{t(key)}</span>
            {to === '/alarms' && unacked > 0 && <em className="cnt">{unacked}</em>}
          </NavLink>
        </div>
      ))}
    </nav>
  );
}

function BottomTabs() {
  return (
    <nav className="bottomnav" aria-label={t('top.menu')}>
      {NAV.map(({ key, to, Icon }) => (
        <NavLink key={to} to={to}>
          <Icon size={22} stroke={1.6} aria-hidden />
          {t(key)}
        </NavLink>
      ))}
    </nav>
  );
}

function Header({ onHelp }: { onHelp: () => void }) {
  useT();
  return (
    <header>
      <div className="brand">
        <Logo />
        <b>Tallydock</b>
      </div>
      <SiteSwitch />
      <span className="grow" />
      <AlarmBar />
      <LiveBadge />
      {kiosk ? <Clock /> : <Controls onHelp={onHelp} />}
    </header>
  );
}

function Frame() {
  const [help, setHelp] = useState(false);
  const navigate = useNavigate();
  const status = useLive();
  const { toggle } = useTheme();
  useSiteInURL();
  useKeys({
    ...Object.fromEntries(NAV.map(({ letter, to }) => [`g ${letter}`, () => void navigate(to)])),
    '?': () => setHelp(true),
    t: toggle,
    '/': () => document.querySelector<HTMLInputElement>('[data-filter]')?.focus(),
  });
  useEffect(() => runWall((to) => void navigate(to)), [navigate]);
  return (
    <div className={`shell${status === 'offline' || status === 'stale' ? ' stale-data' : ''}`}>
      <a href="#main" className="skip">
        {t('top.skip')}
      </a>
      <Header onHelp={() => setHelp(true)} />
      <Rail />
      <main id="main" tabIndex={-1}>
        <Banner />
        <Suspense fallback={<Skeleton rows={8} />}>
          <Outlet />
        </Suspense>
      </main>
      <BottomTabs />
      {help && (
        <Suspense fallback={null}>
          <Help onClose={() => setHelp(false)} />
        </Suspense>
      )}
    </div>
  );
}

/** The frame around every page, for those who are signed in; others go to the login page and come back. */
export default function Shell() {
  useT();
  const who = useWho();
  const loc = useLocation();
  if (who.state === 'in' && who.session.must === '') return <Frame />;
  if (who.state === 'unknown') return <Skeleton rows={8} />;
  if (who.state === 'out' && who.error && !(who.error instanceof ApiError && who.error.status === 401))
    return (
      <main className="lone">
        <Failure error={who.error} retry={() => void boot()} />
      </main>
    );
  const next = loc.pathname === '/' ? '' : `?next=${encodeURIComponent(loc.pathname + loc.search)}`;
  return <Navigate to={`/login${next}`} replace />;
}
