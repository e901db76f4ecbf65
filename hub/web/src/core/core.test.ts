import { describe, expect, it } from 'vitest';
import type { Alarm, Explain, Location, SampleUpdate } from '../api/types';
import { AlarmStore, byUrgency, countAlarms, hotPlaces } from './alarms';
import { BusinessClock } from './clock';
import { cell, toCsv } from './csv';
import { fitted } from './fit';
import { layOut } from './floor';
import { keyName } from './keyname';
import { named } from './names';
import { Relay } from './relay';
import { compute, orderable } from './replenish';
import { addSamples, type Trace, withGaps } from './series';

const T0 = '2026-11-22T08:00:00Z';
const alarm = (over: Partial<Alarm>): Alarm => ({
  id: 'a',
  edge: 'E',
  rule: 'r',
  source: 'probe',
  location: 'S-R',
  class: 'cold_chain',
  priority: 1,
  state: 'unacked',
  raised_at: T0,
  returned_at: null,
  acked_at: null,
  acked_by: '',
  comment: '',
  quantity: 'temperature',
  unit: '°C',
  value: 9,
  now: 9,
  limit: 8,
  reason: 'high',
  shelved_until: null,
  shelved_by: '',
  shelve_reason: '',
  pending: '',
  updated_at: T0,
  ...over,
});

describe('alarms', () => {
  it('come unacknowledged first, then by priority, then newest', () => {
    const list = [
      alarm({ id: 'acked1', state: 'acked' }),
      alarm({ id: 'old2', priority: 2, raised_at: '2026-11-22T07:00:00Z' }),
      alarm({ id: 'new2', priority: 2 }),
      alarm({ id: 'rtn3', priority: 3, state: 'rtn_unacked' }),
      alarm({ id: 'un1' }),
    ];
    expect(list.sort(byUrgency).map((a) => a.id)).toEqual(['un1', 'new2', 'old2', 'rtn3', 'acked1']);
  });
  it('are counted by priority; shelved ones do not count', () => {
    const c = countAlarms([alarm({}), alarm({ state: 'acked' }), alarm({ state: 'shelved' }), alarm({ priority: 9 })]);
    expect(c[1]).toEqual({ active: 2, unacked: 1 });
    expect(c[9]).toEqual({ active: 1, unacked: 1 });
  });
  it('make a place hot only while the temperature is out, not when its probe is silent', () => {
    expect(hotPlaces([alarm({})])).toEqual(['S-R']);
    expect(
      hotPlaces([alarm({ state: 'rtn_unacked' }), alarm({ reason: 'no_data' }), alarm({ class: 'device' })]),
    ).toEqual([]);
  });
  it('leave the store when they end, and an older state never overwrites a newer one', () => {
    const s = new AlarmStore();
    s.load([alarm({ updated_at: '2026-11-22T09:00:00Z', state: 'acked' })]);
    s.put(alarm({ updated_at: T0 }));
    expect(s.all.get().get('a')?.state).toBe('acked');
    s.put(alarm({ updated_at: '2026-11-22T09:01:00Z', state: 'normal' }));
    expect(s.all.get().size).toBe(0);
    s.answered(alarm({ pending: 'acknowledge' })); // the answer to the command was slower than the event
    expect(s.all.get().size).toBe(0);
  });
});

describe('CSV', () => {
  it.each(['=1+1', '+1', '-1', '@x', '\t=1', '\r=1'])('cannot carry the formula %j', (x) =>
    expect(cell(x)).toBe(`"'${x}"`),
  );
  it('leaves numbers as numbers, also negative ones', () => expect(cell(-3)).toBe('-3'));
  it('keeps quotes, commas and breaks inside a cell', () => expect(cell('a "b",\nc')).toBe('"a ""b"",\nc"'));
  it('begins with a byte order mark and ends its lines as RFC 4180 says', () =>
    expect(toCsv(['品名'], [['牛奶']])).toBe('\ufeff"品名"\r\n"牛奶"\r\n'));
});

const explain = (over: Partial<Explain>): Explain => ({
  on_hand: 40,
  on_order: 0,
  backordered: 0,
  position: 40,
  demand_class: 'smooth',
  method: 'ses',
  alpha: 0.1,
  mean_daily: 10,
  error_daily_sd: 3,
  error_basis: 'backtest',
  sigma_dl: 12.16,
  history_days: 90,
  lead_time_days: 5,
  lead_time_sd_days: 1,
  review_days: 7,
  service_level: 0.95,
  z: 1.645,
  safety_stock: 20,
  reorder_point: 140,
  order_up_to: 210,
  moq: 24,
  pack_multiple: 12,
  cover_days: 4,
  forecast: [],
  demand: [],
  ...over,
});

describe('replenishment', () => {
  it.each([
    [1, 24, 12, 24],
    [25, 24, 12, 36],
    [36, 24, 12, 36],
    [7, 0, 0, 7],
    [0, 0, 5, 5],
    [10, 25, 10, 30],
  ])('an order of %i with MOQ %i in packs of %i is %i', (q, moq, pack, want) =>
    expect(orderable(q, moq, pack)).toBe(want),
  );
  it('fills in the figures between those of the hub', () =>
    expect(compute(explain({}))).toEqual({ coverDays: 12, expected: 120, gap: 170, due: true }));
  it('sees a position above the reorder point', () => expect(compute(explain({ position: 141 })).due).toBe(false));
  it('rounds as the hub does, which needs whole units', () => expect(orderable(170.4, 0, 1)).toBe(171));
});

describe('the stream as later tabs see it', () => {
  const m = (id: number) => ({ id, type: 'stock', data: [] });
  it('replays what a tab lacks', () => {
    const r = new Relay(10);
    for (const id of [11, 12, 13]) r.keep(m(id));
    expect(r.since(11).map((x) => x.id)).toEqual([0, 12, 13]);
    expect(r.since(11)[0].data).toEqual({ seq: 13, resync: false });
  });
  it('sends a tab that knows too little to the snapshot', () => {
    const r = new Relay(10);
    r.keep(m(11));
    expect(r.since(9)).toEqual([{ id: 0, type: 'hello', data: { seq: 11, resync: true } }]);
  });
  it('never remembers more than its bound, and knows what it forgot', () => {
    const r = new Relay(0, 10);
    for (let id = 1; id <= 11; id++) r.keep(m(id));
    expect(r.since(5)[0].data).toMatchObject({ resync: true });
    expect(r.since(6).map((x) => x.id)).toEqual([0, 7, 8, 9, 10, 11]);
  });
  it('forgets everything when the hub says that there is a gap', () => {
    const r = new Relay(0);
    r.keep(m(1));
    r.keep({ id: 0, type: 'hello', data: { seq: 90, resync: true } });
    expect(r.since(50)[0].data).toMatchObject({ resync: true });
    expect(r.since(90)[0].data).toEqual({ seq: 90, resync: false });
  });
});

describe('temperature traces', () => {
  const tr = (points: Trace['points']): Trace => ({
    id: 's',
    resolution: 'raw',
    edge: 'E',
    device: 'd',
    channel: '',
    location: '',
    quantity: '',
    unit: '',
    low: 2,
    high: 8,
    points,
  });
  it('draw a long silence as a gap', () => {
    const [xs, ys] = withGaps([
      [0, 4],
      [1000, 4],
      [2000, 4],
      [60_000, 5],
    ]);
    expect(ys).toEqual([4, 4, 4, null, 5]);
    expect(xs).toHaveLength(5);
  });
  it('take live samples once, and drop what has left the window', () => {
    const batch: SampleUpdate[] = [
      ['s', 2000, 5],
      ['s', 3000, null],
      ['other', 3000, 1],
    ];
    expect(
      addSamples(
        [
          tr([
            [0, 1],
            [2000, 5],
          ]),
        ],
        batch,
        1000,
      )[0].points,
    ).toEqual([
      [2000, 5],
      [3000, null],
    ]);
  });
});

describe('floor plan', () => {
  const loc = (code: string, parent: string, kind: Location['kind'], box: number[]): Location => ({
    code,
    parent,
    kind,
    site: 'S',
    name: { en: '', zh: '' },
    x: box[0],
    y: box[1],
    w: box[2],
    h: box[3],
    temp_low: null,
    temp_high: null,
  });
  const inside = (b: { x: number; y: number; w: number; h: number }, w: number, h: number) =>
    b.x >= 0 && b.y >= 0 && b.x + b.w <= w + 0.01 && b.y + b.h <= h + 0.01;
  it('keeps every place inside the panel and every bay inside its zone', () => {
    const plan = layOut(
      [
        loc('A', 'S', 'zone', [0, 0, 50, 40]),
        loc('A-1', 'A', 'bay', [5, 5, 20, 30]),
        loc('A-2', 'A', 'bay', [25, 5, 20, 30]),
        loc('D', 'S', 'dock', [50, 0, 20, 40]),
      ],
      ['D1'],
      800,
      400,
    );
    const zone = plan.zones[0];
    for (const b of [...plan.zones, ...plan.others, ...plan.doors]) expect(inside(b, 800, 400), b.code).toBe(true);
    for (const b of plan.bays.get('A') ?? [])
      expect(inside({ ...b, x: b.x - zone.x, y: b.y - zone.y }, zone.w, zone.h), b.code).toBe(true);
  });
  it('draws places that nobody has placed', () => {
    const plan = layOut(
      [loc('A', 'S', 'zone', [0, 0, 0, 0]), loc('B', 'S', 'zone', [0, 0, 0, 0]), loc('A-1', 'A', 'bay', [0, 0, 0, 0])],
      [],
      600,
      300,
    );
    expect(plan.zones.map((z) => z.code)).toEqual(['A', 'B']);
    expect(plan.zones[0].x).not.toBe(plan.zones[1].x);
    expect(plan.bays.get('A')).toHaveLength(1);
  });
});

describe('small things', () => {
  it('cuts text to the room there is', () => {
    expect(fitted('Inspection table', 12, 200)).toBe('Inspection table');
    expect(fitted('Inspection table', 12, 60)).toBe('Inspect…');
    expect(fitted('检验台', 12, 30)).toBe('检…');
  });
  it('runs the warehouse clock at its speed', () => {
    let ms = 0;
    const c = new BusinessClock(() => ms);
    c.sync(1000);
    c.setSpeed(10);
    ms += 100;
    expect(c.now()).toBe(2000);
    c.sync(5000);
    expect(c.now()).toBe(5000);
  });
  it('falls back to the other language, then to the id', () => {
    expect(named({ en: 'A', zh: '' }, 'id', 'zh-CN')).toBe('A');
    expect(named({ en: '', zh: '' }, 'id', 'en')).toBe('id');
  });
  it('names keys by their place, so that an input method does not matter', () => {
    expect(keyName({ key: 'ㄨ', code: 'KeyJ' })).toBe('j');
    expect(keyName({ key: '?', code: 'Slash' })).toBe('?');
    expect(keyName({ key: '/', code: 'Slash' })).toBe('/');
  });
});
