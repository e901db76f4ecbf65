import { IconArrowBackUp, IconArrowNarrowDown, IconArrowNarrowUp, IconQuestionMark } from '@tabler/icons-react';
import { Link } from 'react-router';
import type { Direction, Door, Pass } from '../api/types';
import { useNow } from '../core/hooks';
import { named } from '../core/names';
import { age, num, pct, t, useT } from '../i18n/i18n';
import { Glyph } from './bits';

const ICONS: Record<Exclude<Direction, ''>, typeof IconArrowNarrowUp> = {
  in: IconArrowNarrowDown,
  out: IconArrowNarrowUp,
  turned_back: IconArrowBackUp,
  undecided: IconQuestionMark,
};

/** Which way goods went: inwards is down the page, into the house. */
export function Way({ direction, size = 16 }: { direction: Direction; size?: number }) {
  useT();
  const known = direction || 'undecided';
  const Icon = ICONS[known];
  return (
    <span className={`way ${known}`}>
      <Icon size={size} stroke={1.9} aria-hidden />
      {direction === '' ? t('door.way.open') : t(`door.way.${known}`)}
    </span>
  );
}

function OpenPass({ pass, now }: { pass: Pass; now: number }) {
  const ended = pass.closed_at ? Date.parse(pass.closed_at) : now;
  return (
    <div
      className={`nowpass ${pass.closed_at ? 'past' : 'live'}`}
      data-testid={pass.closed_at ? 'last-pass' : 'open-pass'}
    >
      <span className="nowtags">
        <b className="tnum">{num(pass.tags)}</b> {t('door.tags', { count: pass.tags })}
      </span>
      <Way direction={pass.direction} size={pass.closed_at ? 18 : 26} />
      <span className="dimc tnum">
        {pass.closed_at
          ? t('door.ago', { age: age(now - ended) })
          : t('door.since', { age: age(now - Date.parse(pass.opened_at)) })}
      </span>
    </div>
  );
}

/** A door as it stands: its state, the pass that goes through it now, and what the day brought. */
export function DoorCard({ door, link = true }: { door: Door; link?: boolean }) {
  const { lang } = useT();
  const now = useNow();
  const name = named(door.name, door.id, lang);
  const pass = door.open_pass ?? door.last_pass;
  const { today } = door;
  return (
    <section className={`panel doorcard ${door.state}`} aria-label={name} data-door={door.id}>
      <div className="phead">
        <h2>{link ? <Link to={`/docks/${encodeURIComponent(door.id)}`}>{name}</Link> : name}</h2>
        <span className="sub">{door.id}</span>
        <span className="grow" />
        <span className={`doorstate ${door.state}`} data-testid="doorstate">
          {door.state === 'down' ? <Glyph p={9} /> : <i aria-hidden />}
          {t(`door.state.${door.state}`)}
        </span>
      </div>
      {pass ? <OpenPass pass={pass} now={now} /> : <p className="nowpass past dimc">{t('door.noPass')}</p>}
      <dl className="daycounts">
        <div>
          <dt>{t('door.way.in')}</dt>
          <dd className="tnum">
            <b>{num(today.in_tags)}</b>
            <span>{t('door.passes', { count: today.in_passes })}</span>
          </dd>
        </div>
        <div>
          <dt>{t('door.way.out')}</dt>
          <dd className="tnum">
            <b>{num(today.out_tags)}</b>
            <span>{t('door.passes', { count: today.out_passes })}</span>
          </dd>
        </div>
        <div>
          <dt>{t('door.way.undecided')}</dt>
          <dd className="tnum">
            <b>{num(today.undecided)}</b>
            {today.undecided > 0 ? <Glyph p={9} label={t('door.undecidedHint')} /> : null}
          </dd>
        </div>
      </dl>
    </section>
  );
}

export const confidence = (p: Pass) => (p.closed_at && p.confidence_permille ? pct(p.confidence_permille / 1000) : '–');
