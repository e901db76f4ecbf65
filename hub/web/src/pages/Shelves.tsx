import { IconDownload, IconSearch, IconX } from '@tabler/icons-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { loadError, reload, stock } from '../core/app';
import { download, toCsv } from '../core/csv';
import { useStockLoad, useTitle, useTotals, useView } from '../core/hooks';
import { named } from '../core/names';
import type { SortKey, StockQuery } from '../core/order';
import { useSignal } from '../core/signal';
import { FLAGS, type Flag, fillOf, STATUS_PRIORITY, statusOf } from '../core/stock';
import { type Lang, num, pct, t, useT } from '../i18n/i18n';
import { AlarmPanel } from '../ui/AlarmPanel';
import { Failure, Glyph, Panel, Seg } from '../ui/bits';
import { FloorMap, type MapMode } from '../ui/FloorMap';
import { StockDetail } from '../ui/StockDetail';
import { COLUMNS, StockGrid } from '../ui/StockGrid';
import { TempPanel } from '../ui/TempChart';

type Patch = (change: Record<string, string | null>, replace?: boolean) => void;

function Kpis({ status, pick }: { status: StockQuery['status']; pick: (s: Flag | null) => void }) {
  useTotals();
  const fill = fillOf(stock.total);
  return (
    <section className="kpis" aria-label={t('kpi.title')}>
      <div className="kpi fill">
        <span className="l">{t('kpi.fill')}</span>
        <span className="v">{fill === null ? '–' : pct(fill)}</span>
        <span className="bar" aria-hidden>
          <i style={{ width: `${(fill ?? 0) * 100}%` }} />
        </span>
      </div>
      <div className="kpi plain">
        <span className="l">{t('kpi.units')}</span>
        <span className="v">{num(stock.total.units)}</span>
      </div>
      {FLAGS.map((f) => (
        <button
          type="button"
          key={f}
          className="kpi"
          aria-pressed={status === f}
          onClick={() => pick(status === f ? null : f)}
        >
          <span className="l">{t(`kpi.${f}`)}</span>
          <span className="v">
            {num(stock.total.flags[f])}
            <small>{t('kpi.rows')}</small>
          </span>
          {stock.total.flags[f] > 0 && <Glyph p={STATUS_PRIORITY[f]} size={15} />}
        </button>
      ))}
    </section>
  );
}

function MapPanel({ view, patch }: { view: URLSearchParams; patch: Patch }) {
  const mode: MapMode = view.get('map') === 'fill' ? 'fill' : 'exceptions';
  const within = view.get('in');
  const modes = (['exceptions', 'fill'] as const).map((id) => ({ id, text: t(`map.mode.${id}`) }));
  const tools = (
    <span className="opx">
      <Seg label={t('map.mode')} value={mode} options={modes} onPick={(m) => patch({ map: m === 'fill' ? m : null })} />
    </span>
  );
  return (
    <Panel name="map" title={t('map.title')} sub={<span className="hide-s opx">{t('map.hint')}</span>} tools={tools}>
      <FloorMap mode={mode} within={within} onPick={(code) => patch({ in: within === code ? null : code }, false)} />
      <div className="maplegend">
        <span>
          <span className="ramp" aria-hidden>
            {[0, 1, 2, 3, 4].map((i) => (
              <i key={i} style={{ background: `var(--bay-${i})` }} />
            ))}
          </span>
          {t('map.legend')}
        </span>
        {FLAGS.map((f) => (
          <span key={f}>
            <Glyph p={STATUS_PRIORITY[f]} />
            {t(`status.${f}`)}
          </span>
        ))}
      </div>
    </Panel>
  );
}

/** What the URL asks of the table; one value as long as the URL says the same. */
function useStockQuery(view: URLSearchParams): StockQuery {
  const [text, within, status, sort, dir] = ['q', 'in', 'status', 'sort', 'dir'].map((k) => view.get(k) ?? '');
  return useMemo(() => {
    const key = COLUMNS.some((c) => c.key === sort) ? (sort as SortKey) : 'status';
    const known = status === 'abnormal' || FLAGS.includes(status as Flag);
    const descending = dir ? dir === 'desc' : key === 'status';
    return {
      text,
      within: within || null,
      status: known ? (status as StockQuery['status']) : 'all',
      sort: key,
      dir: descending ? -1 : 1,
    };
  }, [text, within, status, sort, dir]);
}

function exportRows(order: Uint32Array, lang: Lang) {
  const head = [...COLUMNS.filter((c) => c.key !== 'cover').map((c) => t(c.label)), t('col.max')];
  const rows = [...order].map((i) => {
    const it = stock.items[stock.item[i]];
    const seen = stock.seen[i] > 0 ? new Date(stock.seen[i]).toISOString() : '';
    const where = stock.locations[stock.location[i]].code;
    const state = t(`status.${statusOf(stock.flags[i])}`);
    return [
      state,
      where,
      it.id,
      named(it.name, it.id, lang),
      stock.onHand[i],
      stock.min[i],
      stock.unseen[i],
      seen,
      stock.max[i],
    ];
  });
  download(`stock-${stock.site}-${new Date().toISOString().slice(0, 16).replace(/[:T]/g, '')}.csv`, toCsv(head, rows));
}

function TextFilter({ value, onText }: { value: string; onText: (s: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onText(text), 150);
    return () => clearTimeout(timer);
  }, [text, value, onText]);
  return (
    <label className="field">
      <IconSearch size={15} aria-hidden />
      <span className="vh">{t('table.filter')}</span>
      <input
        data-filter
        value={text}
        placeholder={t('table.filter')}
        onChange={(e) => setText(e.target.value)}
        onKeyDown={(e) => {
          if (e.key !== 'Escape') return;
          setText('');
          e.currentTarget.blur();
        }}
      />
    </label>
  );
}

function PlaceChip({ code, onClear }: { code: string; onClear: () => void }) {
  const { lang } = useT();
  const place = stock.place(code);
  return (
    <span className="chip">
      {named(place?.name, code, lang)}
      <button type="button" aria-label={t('table.clear')} onClick={onClear}>
        <IconX size={12} />
      </button>
    </span>
  );
}

function StockPanel({ view, patch }: { view: URLSearchParams; patch: Patch }) {
  const { lang } = useT();
  useStockLoad();
  const query = useStockQuery(view);
  const [shown, setShown] = useState(0);
  const order = useRef<Uint32Array>(new Uint32Array(0));
  const onOrder = useCallback((o: Uint32Array) => {
    order.current = o;
    setShown(o.length);
  }, []);
  const onText = useCallback((q: string) => patch({ q }), [patch]);
  const row = stock.find(view.get('item') ?? '', view.get('at') ?? '');
  const onOpen = useCallback(
    (i: number) =>
      patch({ item: stock.items[stock.item[i]].id, at: stock.locations[stock.location[i]].code }, view.has('item')),
    [patch, view],
  );
  const onSort = (key: SortKey) =>
    patch({
      sort: key,
      dir: query.sort === key ? (query.dir === 1 ? 'desc' : 'asc') : key === 'status' ? 'desc' : 'asc',
    });
  const filters = (
    ['all', 'abnormal', ...(query.status === 'all' || query.status === 'abnormal' ? [] : [query.status])] as const
  ).map((id) => ({
    id,
    text: id === 'all' ? t('table.all') : id === 'abnormal' ? t('table.abnormal') : t(`status.${id}`),
  }));
  const tools = (
    <div className="tools">
      {query.within && <PlaceChip code={query.within} onClear={() => patch({ in: null })} />}
      <TextFilter value={query.text} onText={onText} />
      <Seg
        label={t('col.status')}
        value={query.status}
        options={filters}
        onPick={(s) => patch({ status: s === 'all' ? null : s })}
      />
      <button type="button" className="btn hide-s" onClick={() => exportRows(order.current, lang)}>
        <IconDownload size={15} aria-hidden />
        {t('table.export')}
      </button>
    </div>
  );
  const count = (
    <span data-testid="rowcount" aria-live="polite">
      {t('table.rows', { shown, total: stock.n })}
    </span>
  );
  return (
    <Panel name="table" title={t('table.title')} sub={count} tools={tools}>
      <div className="split">
        <StockGrid
          query={query}
          openRow={row}
          onSort={onSort}
          onOpen={onOpen}
          onOrder={onOrder}
          onClear={() => patch({ q: null, in: null, status: null })}
        />
        {row >= 0 && <StockDetail key={row} row={row} onClose={() => patch({ item: null, at: null })} />}
      </div>
    </Panel>
  );
}

export default function Shelves() {
  useT();
  useStockLoad();
  const [view, patch] = useView();
  const error = useSignal(loadError);
  useTitle(t('nav.shelves'));
  if (error !== null && !stock.n)
    return (
      <div className="page">
        <div className="panel lone">
          <Failure error={error} retry={reload} />
        </div>
      </div>
    );
  const zones = stock.locations.filter((l) => l.kind === 'zone' || l.kind === 'cold_room').length;
  const bays = stock.locations.filter((l) => l.kind === 'bay').length;
  const status = (view.get('status') ?? 'all') as StockQuery['status'];
  return (
    <div className="page shelves">
      <div className="pagehead">
        <h1>{t('nav.shelves')}</h1>
        <p>
          {stock.n > 0 && t('shelves.sub', { zones, bays, rows: stock.n })}
          {stock.n > 0 && !stock.complete && ' · '}
          {!(stock.n && stock.complete) && t('loading')}
        </p>
      </div>
      <Kpis status={status} pick={(s) => patch({ status: s }, false)} />
      <MapPanel view={view} patch={patch} />
      <TempPanel />
      <AlarmPanel />
      <StockPanel view={view} patch={patch} />
    </div>
  );
}
