import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { get, path } from '../api/client';
import type { List, Proposal, ProposalState } from '../api/types';
import { useTitle, useView } from '../core/hooks';
import { named } from '../core/names';
import { highDaily } from '../core/replenish';
import { scoped, useScope } from '../core/site';
import { at, dec, num, t, useT } from '../i18n/i18n';
import { Empty, Failure, Panel, Seg, Skeleton, Stat } from '../ui/bits';
import { Computation } from '../ui/Computation';
import { Decide } from '../ui/Decide';
import { Drawer } from '../ui/Drawer';
import { FanChart } from '../ui/FanChart';
import { type Column, ListTable } from '../ui/ListTable';

const SHOWN = 200;
const TABS: (ProposalState | 'all')[] = ['proposed', 'approved', 'rejected', 'all'];

/** Why there is a proposal, in one line. */
export function oneLine(p: Proposal): string {
  const e = p.explain;
  if (!e) return t('plan.line.short', { due: p.due_at.slice(0, 10) });
  return t('plan.line', { cover: dec(e.cover_days, 1), high: dec(highDaily(e), 0), lead: dec(e.lead_time_days, 0) });
}

function useColumns(): Column<Proposal>[] {
  const { lang } = useT();
  const name = (p: Proposal) => named(p.item_name, p.item, lang);
  return [
    { key: 'item', head: t('col.item'), hide: 'm', cell: (p) => <span className="dimc">{p.item}</span> },
    {
      key: 'name',
      head: t('col.name'),
      cell: (p) => (
        <>
          <b className="strong">{name(p)}</b>
          <span className="line2 dimc">{oneLine(p)}</span>
        </>
      ),
    },
    {
      key: 'quantity',
      head: t('plan.quantity'),
      right: true,
      cell: (p) => <b className="strong">{num(p.quantity)}</b>,
    },
    { key: 'cost', head: t('plan.cost'), right: true, cell: (p) => dec(p.cost, 2) },
    { key: 'supplier', head: t('plan.supplier'), hide: 'm', cell: (p) => named(p.supplier_name, p.supplier, lang) },
    { key: 'due', head: t('plan.dueAt'), right: true, cell: (p) => p.due_at.slice(0, 10) },
    { key: 'state', head: t('col.status'), cell: (p) => t(`plan.state.${p.state}`) },
  ];
}

function Inspector({ id, onClose, onDecided }: { id: string; onClose: () => void; onDecided: () => void }) {
  const { lang } = useT();
  const query = useQuery({ queryKey: ['proposals', 'one', id], queryFn: () => get<Proposal>(path('proposals', id)) });
  const p = query.data;
  return (
    <div className="panel dock wide">
      <Drawer
        title={p ? named(p.item_name, p.item, lang) : '…'}
        label={t('plan.one')}
        onClose={onClose}
        testid="proposal"
        focus={false}
      >
        {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton />}
        {p?.explain && (
          <>
            <p className="headline">{oneLine(p)}</p>
            {p.state === 'proposed' && <Decide key={p.id} proposal={p} explain={p.explain} onDecided={onDecided} />}
            {p.state !== 'proposed' && <Decided p={p} />}
            <h3>{t('fan.title')}</h3>
            <FanChart explain={p.explain} />
            <h3>{t('plan.computation')}</h3>
            <Computation proposal={p} explain={p.explain} />
          </>
        )}
      </Drawer>
    </div>
  );
}

const Decided = ({ p }: { p: Proposal }) => (
  <dl className="stats">
    <Stat label={t('col.status')}>{t(`plan.state.${p.state}`)}</Stat>
    <Stat label={t('plan.decided')}>{p.decided_at ? `${at(p.decided_at)} · ${p.decided_by}` : '–'}</Stat>
    {p.reason && <Stat label={t('plan.reason')}>{p.reason}</Stat>}
  </dl>
);

function Card({ p }: { p: Proposal }) {
  const { lang } = useT();
  return (
    <div className="pcard">
      <b>{named(p.item_name, p.item, lang)}</b>
      <b className="tnum q">{num(p.quantity)}</b>
      <span className="dimc">{oneLine(p)}</span>
      <span className="dimc">
        {t(`plan.state.${p.state}`)} · {dec(p.cost, 2)}
      </span>
    </div>
  );
}

export default function Replenishment() {
  useT();
  useTitle(t('nav.replenish'));
  const [view, patch] = useView();
  const tab = TABS.find((x) => x === view.get('state')) ?? 'proposed';
  const site = useScope();
  const query = useInfiniteQuery({
    queryKey: ['proposals', tab, site],
    enabled: site !== null,
    initialPageParam: '',
    queryFn: ({ pageParam }) =>
      get<List<Proposal>>(
        scoped(`/proposals?state=${tab}&limit=${SHOWN}&cursor=${encodeURIComponent(pageParam)}`, site),
      ),
    getNextPageParam: (last) => last.next || undefined,
  });
  const columns = useColumns();
  const rows = query.data?.pages.flatMap((l) => l.items) ?? [];
  const open = view.get('id');
  const total = rows.reduce((sum, p) => sum + p.cost, 0);
  const onDecided = () => {
    const next = rows[rows.findIndex((p) => p.id === open) + 1];
    patch({ id: tab === 'proposed' && next ? next.id : null });
  };
  const tabs = TABS.map((id) => ({ id, text: t(id === 'all' ? 'table.all' : `plan.state.${id}`) }));
  const tools = (
    <Seg
      label={t('col.status')}
      value={tab}
      options={tabs}
      onPick={(s) => patch({ state: s === 'proposed' ? null : s, id: null }, false)}
    />
  );
  return (
    <div className="page alarmpage">
      <div className="pagehead">
        <h1>{t('nav.replenish')}</h1>
        <p>
          {query.data
            ? t(query.hasNextPage ? 'plan.first' : 'plan.sub', { count: rows.length, cost: dec(total, 2) })
            : t('loading')}
        </p>
      </div>
      <div className="sidebyside">
        <Panel name="inbox" title={t('plan.inbox')} tools={tools}>
          {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
          {query.isPending && <Skeleton />}
          {query.data && rows.length === 0 && (
            <Empty
              title={tab === 'proposed' ? t('plan.none') : t('plan.noneHere')}
              hint={tab === 'proposed' ? t('plan.noneHint') : undefined}
            />
          )}
          {rows.length > 0 && (
            <ListTable
              label={t('plan.inbox')}
              rows={rows}
              columns={columns}
              card={(p) => <Card p={p} />}
              open={open}
              onOpen={(p) => patch({ id: p.id }, open !== null)}
              onClose={open ? () => patch({ id: null }) : undefined}
              testid="proposals"
            />
          )}
          {query.hasNextPage && (
            <button
              type="button"
              className="btn more"
              disabled={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              {t('more')}
            </button>
          )}
        </Panel>
        {open && <Inspector key={open} id={open} onClose={() => patch({ id: null })} onDecided={onDecided} />}
      </div>
    </div>
  );
}
