import type { ReactNode } from 'react';
import type { Explain, Proposal } from '../api/types';
import { compute } from '../core/replenish';
import { dec, num, pct, t, tCode, useT } from '../i18n/i18n';

const n1 = (v: number) => dec(v, Number.isInteger(v) ? 0 : 1);

type LineProps = { what: string; how: ReactNode; value: string; strong?: boolean };
const Line = ({ what, how, value, strong }: LineProps) => (
  <tr className={strong ? 'strong' : undefined}>
    <th scope="row">{what}</th>
    <td>{how}</td>
    <td className="r tnum">{value}</td>
  </tr>
);

function method(e: Explain): string {
  const parts = [tCode('plan.class', e.demand_class), tCode('plan.method', e.method)];
  if (e.alpha > 0) parts.push(`α ${dec(e.alpha, 2)}`);
  return [...parts, t('plan.days', { count: e.history_days })].join(' · ');
}

/** Every figure of a proposal, laid out as the computation that led to it: each line follows from those above. */
export function Computation({ proposal, explain: e }: { proposal: Proposal; explain: Explain }) {
  useT();
  const c = compute(e);
  const terms = t('plan.how.terms', { gap: n1(c.gap), moq: e.moq, pack: Math.max(1, e.pack_multiple) });
  return (
    <table className="computation">
      <caption className="vh">{t('plan.computation')}</caption>
      <tbody>
        <Line
          what={t('plan.position')}
          how={t('plan.how.position', { on_hand: e.on_hand, on_order: e.on_order, back: e.backordered })}
          value={num(e.position)}
          strong
        />
        <Line what={t('plan.mean')} how={method(e)} value={t('plan.perDay', { n: dec(e.mean_daily, 1) })} />
        <Line what={t('plan.error')} how={tCode('plan.basis', e.error_basis)} value={`± ${dec(e.error_daily_sd, 1)}`} />
        <Line
          what={t('plan.lead')}
          how={t('plan.how.lead', { sd: dec(e.lead_time_sd_days, 1), review: n1(e.review_days) })}
          value={t('plan.nDays', { n: n1(e.lead_time_days) })}
        />
        <Line
          what={t('plan.expected')}
          how={t('plan.how.expected', { mean: dec(e.mean_daily, 1), days: n1(c.coverDays) })}
          value={dec(c.expected, 0)}
        />
        <Line
          what={t('plan.sigma')}
          how={t('plan.how.sigma', {
            days: n1(c.coverDays),
            sd: dec(e.error_daily_sd, 1),
            mean: dec(e.mean_daily, 1),
            lead_sd: dec(e.lead_time_sd_days, 1),
          })}
          value={dec(e.sigma_dl, 1)}
        />
        <Line
          what={t('plan.safety')}
          how={t('plan.how.safety', { level: pct(e.service_level), z: dec(e.z, 3), sigma: dec(e.sigma_dl, 1) })}
          value={dec(e.safety_stock, 0)}
        />
        <Line
          what={t('plan.s')}
          how={t('plan.how.s', { expected: dec(c.expected, 0), safety: dec(e.safety_stock, 0) })}
          value={dec(e.reorder_point, 0)}
          strong
        />
        <Line
          what={t('plan.due')}
          how={`${num(e.position)} ${c.due ? '≤' : '>'} ${dec(e.reorder_point, 0)}`}
          value={c.due ? t('plan.yes') : t('plan.no')}
        />
        <Line
          what={t('plan.S')}
          how={t('plan.how.S', { s: dec(e.reorder_point, 0), mean: dec(e.mean_daily, 1), review: n1(e.review_days) })}
          value={dec(e.order_up_to, 0)}
        />
        <Line what={t('plan.quantity')} how={terms} value={num(proposal.quantity)} strong />
      </tbody>
    </table>
  );
}
