import type { Lang } from '../i18n/i18n';
import { named } from './names';
import { FLAG, type Flag, STATUS_PRIORITY, type StockStore, statusOf } from './stock';

export type SortKey = 'status' | 'location' | 'item' | 'name' | 'on_hand' | 'min' | 'cover' | 'unseen' | 'seen';
export type StockQuery = {
  text: string;
  /** A place: the rows in it and in what lies inside it. */
  within: string | null;
  status: 'all' | 'abnormal' | Flag;
  sort: SortKey;
  dir: 1 | -1;
};

/** On hand against the minimum; without a minimum nothing can be short. */
export const cover = (onHand: number, min: number) => (min > 0 ? onHand / min : Number.POSITIVE_INFINITY);

const severity = (flags: number) => 10 - (STATUS_PRIORITY[statusOf(flags)] || 10);

/** The rows that match, in order. */
export function orderRows(s: StockStore, q: StockQuery, lang: Lang): Uint32Array {
  const out = new Uint32Array(s.n);
  let k = 0;
  const terms = q.text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const placeMatches = q.within === null ? null : s.locations.map((_, i) => s.isWithin(i, q.within as string));
  const names = s.items.map((it) => named(it.name, it.id, lang));
  const matches = (i: number) => {
    if (q.status === 'abnormal' ? !s.flags[i] : q.status !== 'all' && !(s.flags[i] & FLAG[q.status])) return false;
    if (placeMatches && !placeMatches[s.location[i]]) return false;
    if (!terms.length) return true;
    const hay = `${s.items[s.item[i]].id} ${names[s.item[i]]} ${s.locations[s.location[i]].code}`.toLowerCase();
    return terms.every((t) => hay.includes(t));
  };
  for (let i = 0; i < s.n; i++) if (matches(i)) out[k++] = i;
  return sortRows(s, out.subarray(0, k), q, names);
}

function sortRows(s: StockStore, rows: Uint32Array, q: StockQuery, names: string[]): Uint32Array {
  const by: Record<SortKey, (i: number) => number | string> = {
    status: (i) => severity(s.flags[i]),
    location: (i) => s.locations[s.location[i]].code,
    item: (i) => s.items[s.item[i]].id,
    name: (i) => names[s.item[i]],
    on_hand: (i) => s.onHand[i],
    min: (i) => s.min[i],
    cover: (i) => cover(s.onHand[i], s.min[i]),
    unseen: (i) => s.unseen[i],
    seen: (i) => s.seen[i],
  };
  const keys = new Map<number, number | string>();
  for (const i of rows) keys.set(i, by[q.sort](i));
  return rows.sort((x, y) => {
    const a = keys.get(x) as number;
    const b = keys.get(y) as number;
    return a === b ? x - y : (a < b ? -1 : 1) * q.dir;
  });
}
