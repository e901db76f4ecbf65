import type { Explain } from '../api/types';

/** An order quantity that the supplier takes: at least the MOQ, in whole packs. */
export function orderable(quantity: number, moq: number, pack: number): number {
  const step = Math.max(1, pack);
  return Math.ceil(Math.max(quantity, moq, 1) / step) * step;
}

/** The figures between those that the hub gives, so that each line follows from those above it. */
export type Computation = {
  /** Days that stock must cover: what is not ordered now comes only after the next review and another lead time. */
  coverDays: number;
  /** Demand expected in them. */
  expected: number;
  /** What lifts the position to S, before the supplier's terms. */
  gap: number;
  /** position ≤ s: the reason why there is a proposal at all. */
  due: boolean;
};

export function compute(e: Explain): Computation {
  return {
    coverDays: e.lead_time_days + e.review_days,
    expected: e.reorder_point - e.safety_stock,
    gap: Math.max(0, e.order_up_to - e.position),
    due: e.position <= e.reorder_point,
  };
}

/** The 90 % demand per day that the forecast's first week holds. */
export function highDaily(e: Explain): number {
  const week = e.forecast.slice(0, 7);
  return week.length ? week.reduce((sum, f) => sum + f.high, 0) / week.length : e.mean_daily;
}
