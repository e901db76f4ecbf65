import { useMemo } from 'react';
import { Link } from 'react-router';
import type { Alarm } from '../api/types';
import { useAcknowledge } from '../core/alarmActions';
import { byUrgency, isActive, isQuality, needsAck } from '../core/alarms';
import { alarms } from '../core/app';
import { clock } from '../core/clock';
import { useHeldOrder } from '../core/hooks';
import { useSignal } from '../core/signal';
import { t, tCode, useT, when } from '../i18n/i18n';
import { alarmText, measured } from './alarmText';
import { Empty, errorText, Glyph, Panel, Skeleton } from './bits';
import { Command } from './Command';

export function useSortedAlarms(want: (a: Alarm) => boolean) {
  const all = useSignal(alarms.all);
  return useMemo(() => [...all.values()].filter(want).sort(byUrgency), [all, want]);
}

function Line({ a }: { a: Alarm }) {
  const ack = useAcknowledge();
  const { lang } = useT();
  void lang;
  return (
    <li data-state={a.state} data-p={a.priority}>
      <Glyph
        p={a.priority}
        size={16}
        blink={a.state === 'unacked' && !isQuality(a)}
        label={t(`alarm.p${a.priority}`)}
      />
      <Link className="m" to={`/alarms?id=${encodeURIComponent(a.id)}`}>
        {alarmText(a)}
      </Link>
      <span className="d">
        <span>{when(Date.parse(a.raised_at), clock.now())}</span>
        <span>{a.location || a.source}</span>
        {a.now !== null && <span>{measured(a.now, a.unit)}</span>}
        {a.state !== 'unacked' && <span>{tCode('alarm.state', a.state)}</span>}
        {ack.isError && <span className="bad">{errorText(ack.error)}</span>}
      </span>
      {needsAck(a) && (
        <span className="act">
          {a.pending ? (
            <span className="pending">{t('alarm.pending')}</span>
          ) : (
            <Command needs="operator" busy={ack.isPending} onClick={() => ack.mutate({ ids: [a.id] })}>
              {t('alarm.ack')}
            </Command>
          )}
        </span>
      )}
    </li>
  );
}

/** Alarms beside the work they concern; faults of devices follow in their own lane. */
export function AlarmPanel() {
  useT();
  const loaded = useSignal(alarms.loaded);
  const sorted = useSortedAlarms(isActive);
  const held = useHeldOrder(sorted);
  const process = held.rows.filter((a) => !isQuality(a));
  const quality = held.rows.filter(isQuality);
  const unacked = sorted.filter((a) => needsAck(a) && !isQuality(a)).length;
  const all = (
    <Link className="btn quiet opx" to="/alarms">
      {t('alarm.all')}
    </Link>
  );
  return (
    <Panel name="alarms" title={t('nav.alarms')} sub={t('alarm.unacked', { count: unacked })} tools={all}>
      {held.fresh > 0 && (
        <button type="button" className="freshpill" onClick={held.release}>
          {t('list.fresh', { count: held.fresh })}
        </button>
      )}
      {!loaded && <Skeleton rows={4} />}
      {loaded && sorted.length === 0 && <Empty title={t('alarm.none')} hint={t('alarm.noneHint')} />}
      {sorted.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable
        <div className="ascroll" tabIndex={0} role="group" aria-label={t('nav.alarms')} {...held.hold}>
          <ul className="alist" aria-label={t('nav.alarms')}>
            {process.map((a) => (
              <Line key={a.id} a={a} />
            ))}
          </ul>
          {quality.length > 0 && (
            <>
              <h3 className="lane">{t('alarm.quality')}</h3>
              <ul className="alist quality" aria-label={t('alarm.quality')}>
                {quality.map((a) => (
                  <Line key={a.id} a={a} />
                ))}
              </ul>
            </>
          )}
        </div>
      )}
    </Panel>
  );
}
