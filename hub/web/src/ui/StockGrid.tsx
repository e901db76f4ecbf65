import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type ReactNode, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { stock } from '../core/app';
import { clock } from '../core/clock';
import { useMedia, usePhone, useStockLoad } from '../core/hooks';
import { useKeys } from '../core/keys';
import { named } from '../core/names';
import { cover, orderRows, type SortKey, type StockQuery } from '../core/order';
import { FLAG } from '../core/stock';
import { dec, type Key, num, t, useT, when } from '../i18n/i18n';
import { Empty, SortMark, StatusTag } from './bits';

/** drop: the order in which columns give way when the table is narrow (1 goes first). */
type Column = { key: SortKey; width: string; min: number; label: Key; right?: boolean; drop?: number };
export const COLUMNS: Column[] = [
  { key: 'status', width: '132px', min: 132, label: 'col.status' },
  { key: 'location', width: '104px', min: 104, label: 'col.location' },
  { key: 'item', width: '104px', min: 104, label: 'col.item', drop: 3 },
  { key: 'name', width: 'minmax(150px,1fr)', min: 150, label: 'col.name' },
  { key: 'on_hand', width: '84px', min: 84, label: 'col.on_hand', right: true },
  { key: 'min', width: '68px', min: 68, label: 'col.min', right: true, drop: 4 },
  { key: 'cover', width: '138px', min: 138, label: 'col.cover', drop: 1 },
  { key: 'unseen', width: '84px', min: 84, label: 'col.unseen', right: true, drop: 5 },
  { key: 'seen', width: '108px', min: 108, label: 'col.seen', right: true, drop: 2 },
];
const HEAD_H = 30;
const ROW_H = { desk: 30, touch: 44, card: 76 };
const BAR_FULL = 4; // the cover bar is full at four times the minimum

function Cover({ i }: { i: number }) {
  const ratio = cover(stock.onHand[i], stock.min[i]);
  if (!Number.isFinite(ratio)) return <span className="dimc">–</span>;
  const flags = stock.flags[i];
  const hue = flags & FLAG.out ? 'var(--p2)' : flags & FLAG.low ? 'var(--p3)' : undefined;
  return (
    <>
      <span className="cover" aria-hidden>
        <i style={{ width: `${Math.min(100, (ratio / BAR_FULL) * 100)}%`, background: hue }} />
        <b style={{ left: `${100 / BAR_FULL}%` }} />
      </span>
      {dec(ratio, 1)}×
    </>
  );
}

const seenText = (i: number) => (stock.seen[i] > 0 ? when(stock.seen[i], clock.now()) : '–');

function content(key: SortKey, i: number, name: string, flash: boolean): ReactNode {
  switch (key) {
    case 'status':
      return <StatusTag flags={stock.flags[i]} />;
    case 'location':
      return stock.locations[stock.location[i]].code;
    case 'item':
      return stock.items[stock.item[i]].id;
    case 'name':
      return name;
    case 'on_hand':
      return (
        <span
          key={stock.version[i]}
          className={`${flash ? 'fl' : ''}${stock.onHand[i] < stock.min[i] ? ' short' : ''}`}
        >
          {num(stock.onHand[i])}
        </span>
      );
    case 'min':
      return stock.min[i] ? num(stock.min[i]) : '–';
    case 'cover':
      return <Cover i={i} />;
    case 'unseen':
      return stock.unseen[i] ? num(stock.unseen[i]) : '–';
    case 'seen':
      return seenText(i);
  }
}
const DIM = new Set<SortKey>(['item', 'min', 'unseen', 'seen']);

type RowProps = {
  i: number;
  y: number;
  pos: number;
  active: boolean;
  open: boolean;
  card: boolean;
  columns: Column[];
  onPick: (pos: number) => void;
};
const Row = memo(function Row({ i, y, pos, active, open, card, columns, onPick }: RowProps) {
  const subscribe = useCallback((f: () => void) => stock.subRow(i, f), [i]);
  const version = useSyncExternalStore(subscribe, () => stock.version[i]);
  const shown = useRef(version);
  const { lang } = useT();
  const it = stock.items[stock.item[i]];
  const name = named(it.name, it.id, lang);
  const flash = version > shown.current; // after a live change, never on scrolling in
  const props = {
    role: 'row',
    'aria-rowindex': pos + 2,
    'aria-selected': open,
    'data-active': active || undefined,
    id: `row-${i}`,
    style: { transform: `translateY(${y}px)` },
    onClick: () => onPick(pos),
  };
  if (card)
    return (
      <div className="grow-row card" {...props}>
        <div className="cell nm" role="gridcell">
          {name}
        </div>
        <div className="cell q" role="gridcell">
          {content('on_hand', i, name, flash)}
          {stock.min[i] > 0 && <small> / {num(stock.min[i])}</small>}
        </div>
        <div className="cell dimc" role="gridcell">
          {stock.locations[stock.location[i]].code} · {it.id}
        </div>
        <div className="cell r" role="gridcell">
          <StatusTag flags={stock.flags[i]} />
        </div>
      </div>
    );
  return (
    <div className="grow-row" {...props}>
      {columns.map((c) => (
        <div
          key={c.key}
          className={`cell${c.right ? ' r' : ''}${DIM.has(c.key) ? ' dimc' : ''}`}
          role="gridcell"
          title={c.key === 'name' ? name : undefined}
        >
          {content(c.key, i, name, flash)}
        </div>
      ))}
    </div>
  );
});

/** The rows in order: re-sorted once a second, and not at all while somebody reads in the table. */
function useOrder(query: StockQuery, held: React.RefObject<boolean>, onOrder: (o: Uint32Array) => void) {
  const load = useStockLoad();
  const { lang } = useT();
  const [order, setOrder] = useState<Uint32Array>(() => new Uint32Array(0));
  const compute = useCallback(() => {
    const next = orderRows(stock, query, lang);
    setOrder((old) => (old.length === next.length && next.every((v, k) => v === old[k]) ? old : next));
    onOrder(next);
  }, [query, lang, onOrder]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a loaded snapshot is new data
  useEffect(compute, [compute, load]);
  useEffect(() => {
    let seen = stock.dataVersion;
    const timer = setInterval(() => {
      if (held.current || stock.dataVersion === seen) return;
      seen = stock.dataVersion;
      compute();
    }, 1000);
    return () => clearInterval(timer);
  }, [compute, held]);
  return order;
}

function useColumns(scroller: React.RefObject<HTMLDivElement | null>) {
  const [width, setWidth] = useState(1200);
  useEffect(() => {
    const observer = new ResizeObserver(([e]) => setWidth(Math.round(e.contentRect.width / 20) * 20));
    observer.observe(scroller.current as HTMLDivElement);
    return () => observer.disconnect();
  }, [scroller]);
  return useMemo(() => {
    let list = COLUMNS;
    for (let d = 1; d <= 5 && list.reduce((sum, c) => sum + c.min, 0) > width; d++)
      list = list.filter((c) => c.drop !== d);
    return list;
  }, [width]);
}

type Props = {
  query: StockQuery;
  openRow: number;
  onSort: (key: SortKey) => void;
  onOpen: (row: number) => void;
  onOrder: (order: Uint32Array) => void;
  onClear: () => void;
};
export function StockGrid({ query, openRow, onSort, onOpen, onOrder, onClear }: Props) {
  useT();
  const scroller = useRef<HTMLDivElement>(null);
  const held = useRef(false);
  const [active, setActive] = useState(0);
  const order = useOrder(query, held, onOrder);
  const columns = useColumns(scroller);
  const touch = useMedia('(pointer: coarse)');
  const card = usePhone();
  const rowH = card ? ROW_H.card : touch ? ROW_H.touch : ROW_H.desk;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new question starts at its top
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
    setActive(0);
  }, [query]);

  const view = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowH,
    overscan: 8,
    useFlushSync: false,
  });
  const pick = useCallback(
    (pos: number) => {
      setActive(pos);
      onOpen(order[pos]);
    },
    [order, onOpen],
  );
  const step = (to: number) => {
    const pos = Math.max(0, Math.min(order.length - 1, to));
    setActive(pos);
    view.scrollToIndex(pos);
    if (openRow >= 0 && order.length) onOpen(order[pos]);
  };
  useKeys({
    j: () => step(active + 1),
    k: () => step(active - 1),
  });
  const onKey = (e: React.KeyboardEvent) => {
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 0) - HEAD_H) / rowH) - 1);
    const to: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: order.length - 1,
    };
    if (e.key === 'Enter' && order.length) onOpen(order[active]);
    else if (to[e.key] !== undefined) step(to[e.key]);
    else return;
    e.preventDefault();
  };
  const hold = (on: boolean) => () => {
    held.current = on;
  };
  const style = { '--cols': columns.map((c) => c.width).join(' '), '--row': `${rowH}px` } as React.CSSProperties;
  return (
    <div
      className="grid"
      ref={scroller}
      role="grid"
      tabIndex={0}
      aria-rowcount={order.length + 1}
      aria-label={t('table.title')}
      aria-activedescendant={order.length ? `row-${order[Math.min(active, order.length - 1)]}` : undefined}
      data-testid="stockgrid"
      style={style}
      onKeyDown={onKey}
      onPointerEnter={hold(true)}
      onPointerLeave={hold(false)}
      onFocus={hold(true)}
      onBlur={hold(false)}
    >
      <Head columns={columns} query={query} onSort={onSort} />
      {order.length === 0 && stock.n > 0 && (
        <div role="row">
          <div role="gridcell">
            <Empty title={t('table.empty')} hint={t('table.emptyHint')} action={t('table.clear')} onAction={onClear} />
          </div>
        </div>
      )}
      <div role="rowgroup" style={{ height: view.getTotalSize(), position: 'relative' }}>
        {view.getVirtualItems().map((v) => (
          <Row
            key={order[v.index]}
            i={order[v.index]}
            y={v.start}
            pos={v.index}
            active={v.index === active}
            open={order[v.index] === openRow}
            card={card}
            columns={columns}
            onPick={pick}
          />
        ))}
      </div>
    </div>
  );
}

type HeadProps = { columns: Column[]; query: StockQuery; onSort: (key: SortKey) => void };
function Head({ columns, query, onSort }: HeadProps) {
  const direction = query.dir === 1 ? 'ascending' : 'descending';
  return (
    <div className="ghead" role="row" aria-rowindex={1}>
      {columns.map((c) => (
        <div key={c.key} role="columnheader" aria-sort={query.sort === c.key ? direction : 'none'}>
          <button type="button" className={c.right ? 'r' : undefined} onClick={() => onSort(c.key)} tabIndex={-1}>
            {t(c.label)}
            {query.sort === c.key && <SortMark up={query.dir === 1} />}
          </button>
        </div>
      ))}
    </div>
  );
}
