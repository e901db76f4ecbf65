import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Location, StockSnapshot } from '../api/types';
import { orderRows, type StockQuery } from './order';
import { FLAG, flagsOf, placePriority, StockStore, statusOf } from './stock';

const place = (code: string, parent: string, kind: Location['kind']): Location => ({
  code,
  parent,
  kind,
  site: 'S',
  name: { en: code, zh: '' },
  x: 0,
  y: 0,
  w: 1,
  h: 1,
  temp_low: null,
  temp_high: null,
});
const snapshot = (
  rows: [item: number, location: number, onHand: number, min: number, unseen?: number][],
): StockSnapshot => ({
  seq: 1,
  now_ms: 0,
  site: 'S',
  locations: [
    place('S', '', 'site'),
    place('S-A', 'S', 'zone'),
    place('S-A-01', 'S-A', 'bay'),
    place('S-R', 'S', 'cold_room'),
    place('S-R-01', 'S-R', 'bay'),
  ],
  doors: [],
  items: [
    { id: 'X', name: { en: 'Milk', zh: '牛奶' }, category: '', unit: 'EA' },
    { id: 'Y', name: { en: 'Drill', zh: '' }, category: '', unit: 'EA' },
  ],
  places: ['S', 'S-A', 'S-A-01', 'S-R', 'S-R-01'],
  next: '',
  cols: {
    item: rows.map((r) => r[0]),
    location: rows.map((r) => r[1]),
    on_hand: rows.map((r) => r[2]),
    unseen: rows.map((r) => r[4] ?? 0),
    min: rows.map((r) => r[3]),
    max: rows.map((r) => r[3] * 4),
    seen_ms: rows.map(() => 0),
  },
});
const loaded = (...rows: Parameters<typeof snapshot>[0]) => {
  const s = new StockStore();
  s.load(snapshot(rows));
  return s;
};
/** A page after the first. */
const pageOf = (seq: number, rows: [item: string, place: string, onHand: number, min: number][]): StockSnapshot => ({
  ...snapshot([]),
  seq,
  next: 'more',
  locations: [],
  items: rows.map(([id]) => ({ id, name: { en: '', zh: '' }, category: '', unit: '' })),
  places: rows.map(([, place]) => place),
  cols: {
    item: rows.map((_, i) => i),
    location: rows.map((_, i) => i),
    on_hand: rows.map((r) => r[2]),
    unseen: rows.map(() => 0),
    min: rows.map((r) => r[3]),
    max: rows.map(() => 0),
    seen_ms: rows.map(() => 0),
  },
});
const all: StockQuery = { text: '', within: null, status: 'all', sort: 'location', dir: 1 };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (f: () => void) => setTimeout(f, 16));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('status of a row', () => {
  it.each([
    [0, 0, 5, false, 'out'],
    [4, 0, 5, false, 'low'],
    [5, 0, 5, false, 'ok'],
    [0, 0, 0, false, 'ok'],
    [9, 2, 5, false, 'unseen'],
    [9, 0, 5, true, 'overtemp'],
    [0, 0, 5, true, 'out'],
    [4, 1, 5, true, 'overtemp'],
  ])('on hand %i, unseen %i, min %i, hot %s is %s', (onHand, unseen, min, hot, want) => {
    expect(statusOf(flagsOf(onHand, unseen, min, hot))).toBe(want);
  });
});

describe('StockStore', () => {
  it('keeps totals right under updates', () => {
    const s = loaded([0, 2, 10, 5], [1, 2, 10, 5], [0, 4, 10, 5]);
    s.apply([['X', 'S-A-01', 0, 0, 7]]);
    s.apply([['Y', 'S-A-01', 3, 1, 7]]);
    vi.advanceTimersByTime(600);
    expect(s.total).toMatchObject({ rows: 3, units: 13, unseen: 1, flags: { out: 1, low: 1, unseen: 1, overtemp: 0 } });
    expect(placePriority(s.places[2])).toBe(2);
  });
  it('tells a reader of one row only about that row, once a frame', () => {
    const s = loaded([0, 2, 10, 5], [1, 2, 10, 5]);
    let [a, b] = [0, 0];
    s.subRow(0, () => a++);
    s.subRow(1, () => b++);
    s.apply([['X', 'S-A-01', 9, 0, 1]]);
    s.apply([['X', 'S-A-01', 8, 0, 2]]);
    vi.advanceTimersByTime(20);
    expect([a, b]).toEqual([1, 0]);
  });
  it('lets goods appear where they have not been', () => {
    const s = loaded([0, 2, 10, 5]);
    expect(s.apply([['Y', 'S-R-01', 1, 0, 9]])).toBe(true);
    expect(s.n).toBe(2);
    expect(s.find('Y', 'S-R-01')).toBe(1);
  });
  it("says when it is told of a place that it does not know, which may be another site's", () => {
    const s = loaded([0, 2, 10, 5]);
    expect(s.apply([['X', 'S-Q', 1, 0, 9]])).toBe(false);
    expect(s.n).toBe(1);
  });
  it('keeps what it is told of an item until a page names the item', () => {
    const s = loaded([0, 2, 10, 5]);
    expect(s.apply([['Z', 'S-A-01', 1, 0, 9]], 5)).toBe(true);
    s.apply([['Z', 'S-A-01', 2, 0, 9]], 7);
    expect([s.n, s.unnamed()]).toEqual([1, ['Z']]);
    s.more(pageOf(6, [['Z', 'S-A-01', 1, 3]]), true);
    expect(s.unnamed()).toEqual([]);
    expect([s.onHand[s.find('Z', 'S-A-01')], s.min[s.find('Z', 'S-A-01')]]).toEqual([2, 3]);
  });
  it.each([
    ['a page that knows later events', 9, 30],
    ['a page that knows only earlier ones', 4, 20],
  ])('takes limits from %s, and the figures of the later of page and event', (_, seq, onHand) => {
    const s = loaded([0, 2, 10, 5]);
    s.apply([['Y', 'S-A-01', 20, 0, 1]], 6);
    s.more(pageOf(seq, [['Y', 'S-A-01', 30, 7]]));
    const i = s.find('Y', 'S-A-01');
    expect([s.onHand[i], s.min[i], s.n]).toEqual([onHand, 7, 2]);
    s.apply([['Y', 'S-A-01', 1, 0, 1]], 3); // replayed from before the page
    expect(s.onHand[i]).toBe(onHand);
  });
  it('comes to the same in every order of pages and events', () => {
    // by event number: what two rows become; pages are read at 2 and at 4
    const events: [number, string, number][] = [
      [1, 'X', 11],
      [2, 'Z', 12],
      [3, 'X', 13],
      [4, 'Z', 14],
      [5, 'X', 15],
    ];
    const pages = [pageOf(2, [['X', 'S-A-01', 11, 1]]), pageOf(4, [['Z', 'S-R-01', 14, 2]])];
    for (let order = 0; order < 36; order++) {
      const s = loaded();
      const at = [order % 6, Math.floor(order / 6)];
      for (let k = 0; k <= events.length; k++) {
        for (const [p, when] of at.entries()) if (when === k) s.more(pages[p]);
        if (k < events.length) {
          const [id, item, onHand] = events[k];
          s.apply([[item, item === 'X' ? 'S-A-01' : 'S-R-01', onHand, 0, 1]], id);
        }
      }
      const [x, z] = [s.find('X', 'S-A-01'), s.find('Z', 'S-R-01')];
      expect([s.onHand[x], s.min[x], s.onHand[z], s.min[z]], `${at}`).toEqual([15, 1, 14, 2]);
    }
  });
  it('forgets a site whole', () => {
    const s = loaded([0, 2, 10, 5]);
    s.clear();
    expect([s.n, s.locations.length, s.find('X', 'S-A-01'), s.total.units]).toEqual([0, 0, -1, 0]);
  });
  it('marks what lies inside a hot place, and takes the mark off again', () => {
    const s = loaded([0, 2, 10, 5], [0, 4, 10, 5]);
    s.setHot(['S-R']);
    expect([...s.flags]).toEqual([0, FLAG.overtemp]);
    s.setHot([]);
    expect([...s.flags]).toEqual([0, 0]);
  });
});

describe('order and filter', () => {
  it('puts the worst first', () => {
    const s = loaded([0, 2, 10, 5], [1, 2, 0, 5], [0, 4, 3, 5]);
    expect([...orderRows(s, { ...all, sort: 'status', dir: -1 }, 'en')]).toEqual([1, 2, 0]);
  });
  it('finds by product name in the language of the reader, and falls back to the other', () => {
    const s = loaded([0, 2, 10, 5], [1, 2, 10, 5]);
    expect([...orderRows(s, { ...all, text: '牛奶' }, 'zh-CN')]).toEqual([0]);
    expect([...orderRows(s, { ...all, text: 'drill' }, 'zh-CN')]).toEqual([1]);
    expect([...orderRows(s, { ...all, text: 'milk s-a' }, 'en')]).toEqual([0]);
  });
  it('keeps the rows of a zone with all its bays', () => {
    const s = loaded([0, 2, 10, 5], [0, 4, 10, 5]);
    expect([...orderRows(s, { ...all, within: 'S-R' }, 'en')]).toEqual([1]);
    expect([...orderRows(s, { ...all, within: 'S' }, 'en')]).toHaveLength(2);
  });
  it('shows a row under every status that it has', () => {
    const s = loaded([0, 2, 3, 5, 1]);
    expect(orderRows(s, { ...all, status: 'low' }, 'en')).toHaveLength(1);
    expect(orderRows(s, { ...all, status: 'unseen' }, 'en')).toHaveLength(1);
    expect(orderRows(s, { ...all, status: 'out' }, 'en')).toHaveLength(0);
  });
  it('sorts every column both ways without losing a row', () => {
    const s = loaded([0, 2, 3, 5], [1, 2, 9, 0], [0, 4, 0, 5]);
    for (const sort of ['status', 'location', 'item', 'name', 'on_hand', 'min', 'cover', 'unseen', 'seen'] as const)
      for (const dir of [1, -1] as const)
        expect([...orderRows(s, { ...all, sort, dir }, 'en')].sort(), `${sort} ${dir}`).toEqual([0, 1, 2]);
  });
});
