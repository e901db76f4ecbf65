import { useMemo } from 'react';
import { Link } from 'react-router';
import type { Priority } from '../api/types';
import { countAlarms } from '../core/alarms';
import { alarms } from '../core/app';
import { useSignal } from '../core/signal';
import { t, useT } from '../i18n/i18n';
import { Glyph } from '../ui/bits';

export function useCounts() {
  const all = useSignal(alarms.all);
  return useMemo(() => countAlarms(all.values()), [all]);
}

const PRIORITIES: Priority[] = [1, 2, 3, 9];

/** Always there, on every page: how many alarms of each priority are active. */
export function AlarmBar() {
  useT();
  const counts = useCounts();
  const said = PRIORITIES.map((p) => `${t(`alarm.p${p}`)} ${counts[p].active}`).join(', ');
  return (
    <Link className="alarmbar" to="/alarms" aria-label={`${t('nav.alarms')}: ${said}`} data-testid="alarmbar">
      {PRIORITIES.map((p) => (
        <span key={p} className={`p${p}${counts[p].active ? '' : ' zero'}`}>
          <Glyph p={p} size={15} blink={p !== 9 && counts[p].unacked > 0} />
          {counts[p].active}
        </span>
      ))}
    </Link>
  );
}
