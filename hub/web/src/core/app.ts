/** The live heart of the console: snapshot first, then the stream from the snapshot's sequence number, so no gap and no double load. */
import { QueryClient } from '@tanstack/react-query';
import { ApiError, answer, get } from '../api/client';
import type {
  About,
  Alarm,
  Door,
  Edge,
  Hello,
  List,
  Pass,
  Proposal,
  SampleUpdate,
  StockSnapshot,
  StockUpdate,
} from '../api/types';
import { preferLang } from '../i18n/i18n';
import { AlarmStore, hotPlaces } from './alarms';
import { clock } from './clock';
import { LiveClient } from './live';
import { resume, who } from './session';
import { Signal } from './signal';
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

type Early = { session?: Promise<Response>; snapshot?: Promise<Response> };
const early = (globalThis as { tallydockEarly?: Early }).tallydockEarly ?? {};
function takeEarly(key: keyof Early): Promise<Response> | undefined {
  const sent = early[key];
  early[key] = undefined;
  return sent;
}
export async function boot() {
  await resume(takeEarly('session'));
  if (who.get().state !== 'in') void takeEarly('snapshot'); // it was refused too: the next one must be asked for
}

const RETRY_MS = 5000;
let loading = false;
let held: [StockUpdate[], number][] = [];

async function loadStock() {
  if (loading) return;
  loading = true;
  held = [];
  try {
    const snapshot = await answer<StockSnapshot>(takeEarly('snapshot') ?? fetch('/api/v1/stock/snapshot'));
    clock.sync(snapshot.now_ms);
    stock.load(snapshot);
    stock.setHot(hotPlaces(alarms.all.get().values()));
    for (const [batch, id] of held) if (id > snapshot.seq) stock.apply(batch);
    loadError.set(null);
    performance.mark('data-ready');
    if (!live.running && who.get().state === 'in') live.start(snapshot.seq);
  } catch (error) {
    loadError.set(error);
    setTimeout(() => who.get().state === 'in' && loadError.get() === error && void loadStock(), RETRY_MS);
  } finally {
    loading = false;
    held = [];
  }
}

async function loadAlarms() {
  const arrived: Alarm[] = [];
  const off = live.on<Alarm>('alarm', (a) => arrived.push(a));
  try {
    const lists = await Promise.all(['active', 'shelved'].map((s) => get<List<Alarm>>(`/alarms?state=${s}&limit=500`)));
    alarms.load(lists.flatMap((l) => l.items));
    for (const a of arrived) alarms.put(a);
  } finally {
    off();
  }
}

async function loadEdges() {
  const { items } = await get<List<Edge>>('/edges');
  edges.set(new Map(items.map((e) => [e.id, e])));
}

async function loadClock() {
  clock.setSpeed((await get<About>('/about')).clock_speed);
}

/** Loads everything anew: at the start, after a gap in the stream, and when a person asks for it. */
export function reload() {
  const quiet = (p: Promise<unknown>) => void p.catch((error: unknown) => loadError.set(error));
  void loadStock();
  quiet(loadClock());
  quiet(loadAlarms());
  quiet(loadEdges());
  void queries.invalidateQueries();
}

function putPass(pass: Pass) {
  const upsert = (list: List<Pass> | undefined) => {
    if (!list) return list;
    const at = list.items.findIndex((p) => p.id === pass.id);
    return { ...list, items: at < 0 ? [pass, ...list.items] : list.items.with(at, pass) };
  };
  queries.setQueryData<List<Pass>>(['passes', pass.door], upsert);
  queries.setQueryData<List<Door>>(
    ['doors'],
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
    if (loading) held.push([batch, id]);
    else if (!stock.apply(batch)) void loadStock();
  });
  live.on<Alarm>('alarm', (a) => {
    alarms.put(a);
    void queries.invalidateQueries({ queryKey: ['alarm', a.id] });
    void queries.invalidateQueries({ queryKey: ['alarms'] });
  });
  live.on<Edge>('edge', (e) => edges.set(new Map(edges.get()).set(e.id, { ...edges.get().get(e.id), ...e })));
  live.on('device', () => void queries.invalidateQueries({ queryKey: ['doors'] }));
  live.on<Pass>('pass', putPass);
  live.on<SampleUpdate[]>('sample', (batch) => {
    for (const f of samples) f(batch);
  });
  live.on<Proposal>('proposal', () => void queries.invalidateQueries({ queryKey: ['proposals'] }));
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
  // A refused stream may mean that the session is over; nothing else would tell a page that only listens.
  live.status.subscribe(() => {
    if (live.status.get() === 'offline' && who.get().state === 'in') void get('/session').catch(() => {});
  });
  window.addEventListener('pagehide', () => live.stop());
  window.addEventListener('pageshow', (e) => e.persisted && reload());
}
