import { IconPlugConnectedX } from '@tabler/icons-react';
import { edges, live } from '../core/app';
import { useLive, useNow } from '../core/hooks';
import { useSignal } from '../core/signal';
import { at, day, t, time, useT } from '../i18n/i18n';

export function LiveBadge() {
  useT();
  const s = useLive();
  return (
    <span className="livebadge" data-s={s} role="status" data-testid="live">
      <i aria-hidden />
      {t(`live.${s}`)}
    </span>
  );
}

export function Clock() {
  useT();
  const now = useNow();
  return (
    <span className="clock tnum">
      {day(now).slice(5)} {time(now)}
    </span>
  );
}

function StreamBanner() {
  const s = useLive();
  useNow();
  if (s !== 'offline' && s !== 'stale') return null;
  const text =
    s === 'offline'
      ? t('live.banner.offline', { time: live.lastAt ? time(performance.timeOrigin + live.lastAt) : '–' })
      : t('live.banner.stale', { s: Math.round((performance.now() - live.lastAt) / 1000) });
  return (
    <div className="banner" role="alert" data-testid="banner">
      <IconPlugConnectedX size={17} aria-hidden />
      {text}
    </div>
  );
}

/** Says aloud when what is shown is no longer what is: the hub out of reach, or an edge that has gone silent. */
export function Banner() {
  useT();
  const all = useSignal(edges);
  const gone = [...all.values()].filter((e) => !e.online);
  return (
    <>
      <StreamBanner />
      {gone.map((e) => (
        <div key={e.id} className="banner quality" role="status" data-testid="edge-banner">
          <IconPlugConnectedX size={17} aria-hidden />
          {t('live.banner.edge', { edge: e.id, time: e.seen_at ? at(e.seen_at) : '–' })}
        </div>
      ))}
    </>
  );
}
