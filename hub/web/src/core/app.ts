/** The live heart of the console: snapshot first, then the stream from the snapshot's sequence number, so no gap and no double load. */
import { QueryClient } from '@tanstack/react-query';
import { ApiError, answer, get } from '../api/client';
import type {
  About,
  Alarm,
  Device,
  Door,
  Edge,
  Hello,
  List,
  Pass,
  Proposal,
  SampleUpdate,
  Site,
  StockSnapshot,
  StockUpdate,
} from '../api/types';
import { preferLang } from '../i18n/i18n';
import { AlarmStore, hotPlaces } from './alarms';
import { clock } from './clock';
import { LiveClient } from './live';
import { resume, who } from './session';
import { Signal } from './signal';
import { loadSites, onChoice, scope, scoped, sites, wanted } from './site';
import { StockStore } from './stock';

export const live = new LiveClient('/api/v1/events');
export const stock = new StockStore();
export const alarms = new AlarmStore();
export const edges = new Signal<ReadonlyMap<string, Edge>>(new Map());
export const loadError = new Signal<unknown>(null);
export const quarantined = new Signal(0);
/** Live samples go to whoever draws them. */
export const samples = new Set<(batch: SampleUpdate[]) => void>();

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY, // the stream says when something has changed
      refetchOnWindowFocus: false,
      retry: (n, error) => n < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

type Early = { session?: Promise<Response>; snapshot?: Promise<Response>; sites?: Promise<Response> };
const early = (globalThis as { tallydockEarly?: Early }).tallydockEarly ?? {};
function takeEarly(key: keyof Early): Promise<Response> | undefined {
  const sent = early[key];
  early[key] = undefined;
  return sent;
}
export async function boot() {
  await resume(takeEarly('session'));
  if (who.get().state === 'in') return;
  for (const key of ['snapshot', 'sites'] as const) void takeEarly(key); // refused too: the next ones must be asked for
}

const RETRY_MS = 5000;
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
/** The number of the newest load: one that another has overtaken gives up. */
let newest = 0;
let waiting = false;
let shown = ''; // the site that the newest load is of
let held: [StockUpdate[], number][] = [];
const snapshotPath = (more = '') => scoped(`/stock/snapshot${more}`, wanted());

/** Loads a site's pages, and asks for each until it is there or another load has begun. */
async function loadStock() {
  const mine = ++newest;
  const current = () => mine === newest && who.get().state === 'in';
  waiting = true;
  shown = wanted();
  held = [];
  let sent = takeEarly('snapshot');
  for (let after = '', first = true; first || after; ) {
    try {
      const path = snapshotPath(first ? '' : `?after=${encodeURIComponent(after)}`);
      const page = await answer<StockSnapshot>(sent ?? fetch(`/api/v1${path}`));
      if (!current()) return;
      if (first) begin(page);
      else stock.more(page);
      after = page.next;
      first = false;
      loadError.set(null);
    } catch (error) {
      if (!current()) return;
      loadError.set(error);
      await pause(RETRY_MS);
      if (!current() || loadError.get() !== error) return;
    }
    sent = undefined;
  }
  nameItems();
}

function begin(page: StockSnapshot) {
  clock.sync(page.now_ms);
  stock.load(page);
  stock.setHot(hotPlaces(alarms.all.get().values()));
  waiting = false;
  for (const [batch, id] of held) if (id > page.seq) stock.apply(batch, id);
  held = [];
  performance.mark('data-ready');
  if (!live.running && who.get().state === 'in') live.start(page.seq);
}

/** Asks for the rows, and so the names, of items that came to the site for the first time. */
const asking = new Set<string>();
function nameItems() {
  if (!stock.complete) return;
  for (const item of stock.unnamed()) {
    if (asking.has(item)) continue;
    asking.add(item);
    const site = stock.site;
    void get<StockSnapshot>(snapshotPath(`?item=${encodeURIComponent(item)}`))
      .then((page) => site === stock.site && stock.more(page, true))
      .catch(() => {}) // the next event of the item asks again
      .finally(() => asking.delete(item));
  }
}

const LOOK_MS = 60_000;
let lookedAt = Number.NEGATIVE_INFINITY;
/** A place that no page named is of another site, or new: whether it is new is asked once a minute at most. */
async function lookForPlaces() {
  if (!stock.complete || performance.now() - lookedAt < LOOK_MS) return;
  lookedAt = performance.now();
  const site = stock.site;
  const page = await get<StockSnapshot>(snapshotPath('?limit=1'));
  if (site === stock.site && page.locations.some((l) => !stock.place(l.code))) void loadStock();
}

/** Whether something that an edge says of a place is shown here. */
const here = (edge: string, place: string) =>
  scope() === '' ||
  edges.get().has(edge) ||
  stock.place(place) !== undefined ||
  stock.doors.some((d) => d.id === place);

async function loadAlarms() {
  const arrived: Alarm[] = [];
  const off = live.on<Alarm>('alarm', (a) => arrived.push(a));
  const site = scope();
  try {
    const lists = await Promise.all(
      ['active', 'shelved'].map((s) => get<List<Alarm>>(scoped(`/alarms?state=${s}&limit=500`, site))),
    );
    if (site !== scope()) return;
    alarms.load(lists.flatMap((l) => l.items));
    for (const a of arrived) if (here(a.edge, a.location)) alarms.put(a);
  } finally {
    off();
  }
}

async function loadEdges() {
  const site = scope();
  const { items } = await get<List<Edge>>(scoped('/edges', site));
  if (site === scope()) edges.set(new Map(items.map((e) => [e.id, e])));
}

async function loadClock() {
  clock.setSpeed((await get<About>('/about')).clock_speed);
}

const quiet = (p: Promise<unknown>) => void p.catch((error: unknown) => loadError.set(error));

/** Loads everything anew: at the start, after a gap in the stream, and when a person asks for it. */
export function reload() {
  void loadStock();
  quiet(loadClock());
  quiet(loadRest());
}

/** Loads what is narrowed to the site, once it is known which sites there are. */
async function loadRest() {
  const sent = takeEarly('sites');
  await loadSites(sent && answer<List<Site>>(sent));
  if (who.get().state !== 'in') return;
  quiet(loadAlarms());
  quiet(loadEdges());
  void queries.invalidateQueries();
}

/** Another site: nothing of the one before stays. The first one may be there before it is known that it is the first. */
function turn() {
  if (who.get().state !== 'in' || shown === wanted() || (shown === '' && sites.get()?.[0]?.id === wanted())) return;
  stock.clear();
  alarms.clear();
  edges.set(new Map());
  void loadStock();
  quiet(loadAlarms());
  quiet(loadEdges());
}

function putPass(pass: Pass) {
  const upsert = (list: List<Pass> | undefined) => {
    if (!list) return list;
    const at = list.items.findIndex((p) => p.id === pass.id);
    return { ...list, items: at < 0 ? [pass, ...list.items] : list.items.with(at, pass) };
  };
  queries.setQueryData<List<Pass>>(['passes', pass.door], upsert);
  queries.setQueryData<List<Door>>(
    ['doors', scope()],
    (list) => list && { ...list, items: list.items.map((d) => (d.id === pass.door ? withPass(d, pass) : d)) },
  );
  if (pass.closed_at) void queries.invalidateQueries({ queryKey: ['doors'] }); // the day's counts
}
/** A door as a pass event leaves it, until the hub's own account of it arrives. */
export const withPass = (d: Door, pass: Pass): Door =>
  pass.closed_at
    ? {
        ...d,
        state: d.state === 'down' ? 'down' : 'idle',
        open_pass: d.open_pass?.id === pass.id ? null : d.open_pass,
        last_pass: pass,
      }
    : { ...d, state: d.state === 'down' ? 'down' : 'passing', open_pass: pass };

function listen() {
  live.on<Hello>('hello', (h) => {
    if (h.now_ms !== undefined) clock.sync(h.now_ms);
    if (h.resync) reload();
  });
  live.on<{ now_ms: number }>('hb', (h) => clock.sync(h.now_ms));
  live.on<StockUpdate[]>('stock', (batch, id) => {
    if (waiting) held.push([batch, id]);
    else {
      if (!stock.apply(batch, id)) void lookForPlaces().catch(() => {});
      nameItems();
    }
  });
  live.on<Alarm>('alarm', (a) => {
    if (!here(a.edge, a.location)) return;
    alarms.put(a);
    void queries.invalidateQueries({ queryKey: ['alarm', a.id] });
    void queries.invalidateQueries({ queryKey: ['alarms'] });
  });
  live.on<Edge>('edge', (e) => {
    if (scope() && e.site !== scope()) return;
    edges.set(new Map(edges.get()).set(e.id, { ...edges.get().get(e.id), ...e }));
  });
  live.on<Device>('device', (d) => here(d.edge, d.location) && void queries.invalidateQueries({ queryKey: ['doors'] }));
  live.on<Pass>('pass', (p) => here(p.edge, p.door) && putPass(p));
  live.on<SampleUpdate[]>('sample', (batch) => {
    for (const f of samples) f(batch);
  });
  live.on<Partial<Proposal>>('proposal', (p) => {
    if (!scope() || !p.site || p.site === scope()) void queries.invalidateQueries({ queryKey: ['proposals'] });
  });
  live.on<{ open: number }>('quarantine', (q) => quarantined.set(q.open));
  alarms.all.subscribe(() => stock.setHot(hotPlaces(alarms.all.get().values())));
}

/** Follows the session: data while somebody is signed in, silence otherwise. */
export function startApp() {
  listen();
  const follow = () => {
    const now = who.get();
    if (now.state !== 'in' || now.session.must !== '') return live.stop();
    preferLang(now.session.language);
    reload();
  };
  who.subscribe(follow);
  onChoice(turn);
  // A refused stream may mean that the session is over; nothing else would tell a page that only listens.
  live.status.subscribe(() => {
    if (live.status.get() === 'offline' && who.get().state === 'in') void get('/session').catch(() => {});
  });
  window.addEventListener('pagehide', () => live.stop());
  window.addEventListener('pageshow', (e) => e.persisted && reload());
}
