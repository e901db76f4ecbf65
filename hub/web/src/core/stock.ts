/**
 * Live stock of a site as columns, outside of React: deltas are applied at once, a row's readers are told once a frame, totals
 * and places twice a second (figures that flicker faster cannot be read).
 *
 * A site comes in pages, and events come meanwhile. Both say what a row is, and by which event they know it: the later one
 * counts, whichever comes first.
 */
import type { Location, SnapshotItem, StockSnapshot, StockUpdate } from '../api/types';

/** What is abnormal about a row; a row may be several things at once. */
export const FLAG = { overtemp: 1, out: 2, low: 4, unseen: 8 } as const;
export type Flag = keyof typeof FLAG;
/** From worst to best. */
export const FLAGS: Flag[] = ['overtemp', 'out', 'low', 'unseen'];
export type Status = Flag | 'ok';
/** 9 is a lack of data, not an alarm; 0 is normal. */
export const STATUS_PRIORITY: Record<Status, 0 | 1 | 2 | 3 | 9> = { overtemp: 1, out: 2, low: 3, unseen: 9, ok: 0 };
export const statusOf = (flags: number): Status => FLAGS.find((f) => flags & FLAG[f]) ?? 'ok';

export function flagsOf(onHand: number, unseen: number, min: number, hot: boolean): number {
  let flags = hot && onHand > 0 ? FLAG.overtemp : 0;
  if (onHand < min) flags |= onHand <= 0 ? FLAG.out : FLAG.low;
  if (unseen > 0) flags |= FLAG.unseen;
  return flags;
}

/** What stands at one place, over all its rows. */
export type Place = {
  rows: number;
  units: number;
  unseen: number;
  /** Units and limits of the rows that have a maximum: what "full" means. */
  filled: number;
  capacity: number;
  flags: Record<Flag, number>;
};
const emptyPlace = (): Place => ({
  rows: 0,
  units: 0,
  unseen: 0,
  filled: 0,
  capacity: 0,
  flags: { overtemp: 0, out: 0, low: 0, unseen: 0 },
});
/** How full, 0…1, or null where no level says what full is. */
export const fillOf = (p: Place) => (p.capacity > 0 ? Math.min(1, p.filled / p.capacity) : null);
/** The worst priority of the rows of a place; unseen counts when it is most of the goods. */
export function placePriority(p: Place): 0 | 1 | 2 | 3 | 9 {
  if (p.flags.overtemp) return 1;
  if (p.flags.out) return 2;
  if (p.flags.low) return 3;
  return p.unseen > p.units / 2 ? 9 : 0;
}

type Fn = () => void;
const rowKey = (item: string, location: string) => `${item}\u0000${location}`;

export class StockStore {
  n = 0;
  site = '';
  items: SnapshotItem[] = [];
  locations: Location[] = [];
  doors: StockSnapshot['doors'] = [];
  item: number[] = [];
  location: number[] = [];
  onHand: number[] = [];
  unseen: number[] = [];
  min: number[] = [];
  max: number[] = [];
  seen: number[] = [];
  flags: number[] = [];
  /** Number of the event that each row is up to date with. */
  private asOf: number[] = [];
  /** Whether all pages are there. */
  complete = false;
  /** Goes up with each live change of the row. */
  version: number[] = [];
  places: Place[] = [];
  total: Place = emptyPlace();
  dataVersion = 0;
  private totalsVersion = 0;
  private loadVersion = 0;
  private rowOf = new Map<string, number>();
  private itemOf = new Map<string, number>();
  private locationOf = new Map<string, number>();
  /** Events of items that no page has named yet, by item. */
  private waiting = new Map<string, [StockUpdate, number][]>();
  private hotCodes: string[] = [];
  private hot = new Set<number>();
  private dirty = new Set<number>();
  private frame = 0;
  private loaded = false;
  private slow: ReturnType<typeof setTimeout> | 0 = 0;
  private rowSubs = new Map<number, Set<Fn>>();
  private totalsSubs = new Set<Fn>();
  private loadSubs = new Set<Fn>();

  /** Begins anew with the first page of a site. */
  load(s: StockSnapshot) {
    this.reset(s.site);
    this.locations = s.locations;
    this.doors = s.doors;
    this.locationOf = new Map(s.locations.map((x, i) => [x.code, i]));
    this.hot = this.within(this.hotCodes);
    this.take(s);
    this.complete = s.next === '';
    this.tellLoad();
  }

  /** Adds a page after the first; last = there is none after it. */
  more(s: StockSnapshot, last = s.next === '') {
    this.take(s);
    this.complete ||= last;
    this.tellTotalsSoon(true);
  }

  /** Forgets everything: another site will come. */
  clear() {
    this.reset('');
    this.tellLoad();
  }

  private reset(site: string) {
    this.site = site;
    this.items = [];
    this.locations = [];
    this.doors = [];
    this.n = 0;
    this.complete = false;
    for (const m of [this.rowOf, this.itemOf, this.locationOf, this.waiting, this.hot, this.dirty]) m.clear();
    for (const a of [this.item, this.location, this.onHand, this.unseen, this.min, this.max, this.seen]) a.length = 0;
    this.flags.length = this.version.length = this.asOf.length = 0;
  }

  private tellLoad() {
    this.dataVersion++;
    this.aggregate();
    this.loadVersion++;
    for (const f of [...this.loadSubs]) f();
  }

  /** Puts the rows of a page in. */
  private take(s: StockSnapshot) {
    const items = s.items.map((x) => {
      const known = this.itemOf.get(x.id) ?? this.items.push(x) - 1;
      this.itemOf.set(x.id, known);
      return known;
    });
    const places = s.places.map((code) => this.locationOf.get(code) ?? this.addPlace(code));
    const c = s.cols;
    for (let k = 0; k < c.item.length; k++) {
      const [item, location] = [items[c.item[k]], places[c.location[k]]];
      const i = this.rowOf.get(rowKey(this.items[item].id, this.locations[location].code));
      if (i === undefined) {
        this.append(item, location, c.on_hand[k], c.unseen[k], c.min[k], c.max[k], c.seen_ms[k], s.seq);
        continue;
      }
      this.min[i] = c.min[k];
      this.max[i] = c.max[k];
      if (s.seq >= this.asOf[i]) this.change(i, c.on_hand[k], c.unseen[k], c.seen_ms[k], s.seq);
      else this.change(i, this.onHand[i], this.unseen[i], this.seen[i], this.asOf[i]);
    }
    for (const x of s.items) {
      const late = this.waiting.get(x.id) ?? [];
      this.waiting.delete(x.id);
      for (const [update, id] of late) this.put(update, id);
    }
  }

  /** A place that came into the catalogue after the first page. */
  private addPlace(code: string): number {
    const i =
      this.locations.push({
        code,
        site: this.site,
        parent: this.site,
        kind: 'bay',
        name: { en: '', zh: '' },
        x: 0,
        y: 0,
        w: 0,
        h: 0,
        temp_low: null,
        temp_high: null,
      }) - 1;
    this.locationOf.set(code, i);
    return i;
  }

  private append(
    item: number,
    location: number,
    onHand: number,
    unseen: number,
    min: number,
    max: number,
    seen: number,
    asOf: number,
  ) {
    const i = this.n++;
    this.asOf.push(asOf);
    this.item.push(item);
    this.location.push(location);
    this.onHand.push(onHand);
    this.unseen.push(unseen);
    this.min.push(min);
    this.max.push(max);
    this.seen.push(seen);
    this.flags.push(flagsOf(onHand, unseen, min, this.hot.has(location)));
    this.version.push(0);
    this.rowOf.set(rowKey(this.items[item].id, this.locations[location].code), i);
    return i;
  }

  /** Applies a batch of the event id; false = it names a place that is not in the snapshot: a new one, or of another site. */
  apply(batch: StockUpdate[], id = Number.POSITIVE_INFINITY): boolean {
    let known = true;
    for (const update of batch) known = this.put(update, id) && known;
    this.dataVersion++;
    this.frame ||= requestAnimationFrame(() => this.tellRows());
    this.tellTotalsSoon();
    return known;
  }

  /** Items that events named and no page: their names must be asked for. */
  unnamed = (): string[] => [...this.waiting.keys()];

  private put(update: StockUpdate, id: number): boolean {
    const [item, location, onHand, unseen, seen] = update;
    const i = this.rowOf.get(rowKey(item, location));
    if (i !== undefined) {
      if (id >= this.asOf[i]) this.change(i, onHand, unseen, seen, id);
      return true;
    }
    const loc = this.locationOf.get(location);
    if (loc === undefined) return false;
    const it = this.itemOf.get(item);
    if (it === undefined) this.waiting.set(item, [...(this.waiting.get(item) ?? []), [update, id]]);
    else this.version[this.append(it, loc, onHand, unseen, 0, 0, seen, id)] = 1;
    return true;
  }

  private change(i: number, onHand: number, unseen: number, seen: number, asOf: number) {
    this.onHand[i] = onHand;
    this.unseen[i] = unseen;
    this.seen[i] = seen;
    this.asOf[i] = asOf;
    this.flags[i] = flagsOf(onHand, unseen, this.min[i], this.hot.has(this.location[i]));
    this.version[i]++;
    this.dirty.add(i);
  }

  /** Says which places stand under an active cold-chain alarm; what lies inside them does too. */
  setHot(codes: Iterable<string>) {
    this.hotCodes = [...codes];
    const next = this.within(this.hotCodes);
    if (next.size === this.hot.size && [...next].every((x) => this.hot.has(x))) return;
    const changed = new Set(
      [...next].filter((x) => !this.hot.has(x)).concat([...this.hot].filter((x) => !next.has(x))),
    );
    this.hot = next;
    for (let i = 0; i < this.n; i++) {
      if (!changed.has(this.location[i])) continue;
      this.flags[i] = flagsOf(this.onHand[i], this.unseen[i], this.min[i], next.has(this.location[i]));
      this.dirty.add(i);
      this.version[i]++;
    }
    this.dataVersion++;
    this.frame ||= requestAnimationFrame(() => this.tellRows());
    this.tellTotalsSoon();
  }

  private within(codes: string[]): Set<number> {
    const found = new Set<number>();
    for (const code of codes) for (let i = 0; i < this.locations.length; i++) if (this.isWithin(i, code)) found.add(i);
    return found;
  }

  /** Whether place i is `code` or lies inside it. */
  isWithin(i: number, code: string): boolean {
    for (let hops = 0, at: Location | undefined = this.locations[i]; at && hops < 8; hops++) {
      if (at.code === code) return true;
      const up: number | undefined = this.locationOf.get(at.parent);
      at = up === undefined ? undefined : this.locations[up];
    }
    return false;
  }

  place = (code: string): Location | undefined => this.locations[this.locationOf.get(code) ?? -1];
  product = (id: string): SnapshotItem | undefined => this.items[this.itemOf.get(id) ?? -1];
  find = (item: string, location: string): number => this.rowOf.get(rowKey(item, location)) ?? -1;

  private aggregate() {
    this.places = this.locations.map(emptyPlace);
    this.total = emptyPlace();
    for (let i = 0; i < this.n; i++) for (const p of [this.places[this.location[i]], this.total]) this.add(p, i);
    this.totalsVersion++;
    for (const f of [...this.totalsSubs]) f();
  }

  private add(p: Place, i: number) {
    p.rows++;
    p.units += this.onHand[i];
    p.unseen += this.unseen[i];
    if (this.max[i] > 0) {
      p.filled += this.onHand[i];
      p.capacity += this.max[i];
    }
    for (const f of FLAGS) if (this.flags[i] & FLAG[f]) p.flags[f]++;
  }

  private tellRows() {
    this.frame = 0;
    for (const i of this.dirty) for (const f of [...(this.rowSubs.get(i) ?? [])]) f();
    this.dirty.clear();
  }
  private tellTotalsSoon(loaded = false) {
    this.loaded ||= loaded;
    this.slow ||= setTimeout(() => {
      this.slow = 0;
      if (this.loaded) this.tellLoad();
      else this.aggregate();
      this.loaded = false;
    }, 500);
  }

  subRow(i: number, f: Fn): Fn {
    const set = this.rowSubs.get(i) ?? new Set<Fn>();
    this.rowSubs.set(i, set.add(f));
    return () => {
      set.delete(f);
      if (!set.size) this.rowSubs.delete(i);
    };
  }
  subTotals = (f: Fn): Fn => {
    this.totalsSubs.add(f);
    return () => this.totalsSubs.delete(f);
  };
  subLoad = (f: Fn): Fn => {
    this.loadSubs.add(f);
    return () => this.loadSubs.delete(f);
  };
  getTotals = () => this.totalsVersion;
  getLoad = () => this.loadVersion;
}
