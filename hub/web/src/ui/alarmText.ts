import type { Alarm } from '../api/types';
import { dec, hasKey, t, tCode } from '../i18n/i18n';

export const measured = (v: number | null, unit: string) => (v === null ? '–' : `${dec(v, 1)} ${unit}`.trim());

/** What an alarm says, made from its reason and figures in the reader's language. */
export function alarmText(a: Alarm): string {
  const params = {
    quantity: tCode('quantity', a.quantity || 'value'),
    limit: measured(a.limit, a.unit),
    source: a.source,
    location: a.location,
    rule: a.rule,
    reason: a.reason,
  };
  const key = `alarm.reason.${a.reason}`;
  return hasKey(key) ? t(key, params) : t('alarm.reason.other', params);
}
