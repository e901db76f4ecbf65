import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { get } from '../api/client';
import type { Alarm, List } from '../api/types';
import { useAcknowledge } from '../core/alarmActions';
import { byUrgency, isActive, isQuality, needsAck } from '../core/alarms';
import { alarms } from '../core/app';
import { useHeldOrder, useNow, useTitle, useView } from '../core/hooks';
import { useKeys } from '../core/keys';
import { useSignal } from '../core/signal';
import { scoped, useScope } from '../core/site';
import { age, t, tCode, useT, when } from '../i18n/i18n';
import { AlarmDetail } from '../ui/AlarmDetail';
import { useSortedAlarms } from '../ui/AlarmPanel';
import { alarmText, measured } from '../ui/alarmText';
import { Empty, errorText, Failure, Glyph, Panel, Seg, Skeleton } from '../ui/bits';
import { Command, useBarrier } from '../ui/Command';
import { type Column, ListTable } from '../ui/ListTable';

type Tab = 'active' | 'shelved' | 'all';
const isShelved = (a: Alarm) => a.state === 'shelved';

/** What the list may be sorted by instead of urgency. */
const SORTS: Record<string, (a: Alarm, b: Alarm) => number> = {
  priority: (a, b) => a.priority - b.priority,
  raised: (a, b) => Date.parse(a.raised_at) - Date.parse(b.raised_at),
  source: (a, b) => (a.location || a.source).localeCompare(b.location || b.source),
};

function StateCell({ a }: { a: Alarm }) {
  return (
    <span className="statecell">
      {tCode('alarm.state', a.state)}
      {a.pending && <span className="pending">{t('alarm.pending')}</span>}
    </span>
  );
}

function AckCell({ a, ack }: { a: Alarm; ack: ReturnType<typeof useAcknowledge> }) {
  if (!needsAck(a) || a.pending) return null;
  return (
    <Command needs="operator" busy={ack.isPending} onClick={() => ack.mutate({ ids: [a.id] })}>
      {t('alarm.ack')}
    </Command>
  );
}

type Select = { chosen: Set<string>; toggle: (id: string) => void };
function useColumns(now: number, ack: ReturnType<typeof useAcknowledge>, select: Select): Column<Alarm>[] {
  const check = (a: Alarm) => (
    <input
      type="checkbox"
      aria-label={t('alarm.select', { text: alarmText(a) })}
      checked={select.chosen.has(a.id)}
      disabled={!needsAck(a)}
      onClick={(e) => e.stopPropagation()}
      onChange={() => select.toggle(a.id)}
    />
  );
  const glyph = (a: Alarm) => (
    <Glyph p={a.priority} size={16} blink={a.state === 'unacked' && !isQuality(a)} label={t(`alarm.p${a.priority}`)} />
  );
  return [
    { key: 'check', hide: 'k', head: <span className="vh">{t('alarm.selectHead')}</span>, cell: check },
    { key: 'priority', head: t('alarm.col.priority'), sortable: true, cell: glyph },
    { key: 'state', head: t('alarm.col.state'), cell: (a) => <StateCell a={a} /> },
    {
      key: 'raised',
      head: t('alarm.col.raised'),
      sortable: true,
      cell: (a) => <span className="tnum">{when(Date.parse(a.raised_at), now)}</span>,
    },
    { key: 'age', head: t('alarm.col.age'), right: true, hide: 'm', cell: (a) => age(now - Date.parse(a.raised_at)) },
    { key: 'source', head: t('alarm.col.source'), sortable: true, cell: (a) => a.location || a.source },
    { key: 'text', head: t('alarm.col.text'), cell: (a) => <b className="strong">{alarmText(a)}</b> },
    { key: 'raise', head: t('alarm.col.value'), right: true, hide: 'm', cell: (a) => measured(a.value, a.unit) },
    { key: 'now', head: t('alarm.col.now'), right: true, cell: (a) => measured(a.now, a.unit) },
    { key: 'limit', head: t('alarm.col.limit'), right: true, hide: 'm', cell: (a) => measured(a.limit, a.unit) },
    { key: 'class', head: t('alarm.col.class'), hide: 'm', cell: (a) => tCode('alarm.class', a.class) },
    {
      key: 'act',
      hide: 'k',
      head: <span className="vh">{t('alarm.ack')}</span>,
      cell: (a) => <AckCell a={a} ack={ack} />,
    },
  ];
}

function Card({ a, now, ack }: { a: Alarm; now: number; ack: ReturnType<typeof useAcknowledge> }) {
  return (
    <div className="acard">
      <Glyph
        p={a.priority}
        size={18}
        blink={a.state === 'unacked' && !isQuality(a)}
        label={t(`alarm.p${a.priority}`)}
      />
      <div>
        <b>{alarmText(a)}</b>
        <span className="dimc">
          {when(Date.parse(a.raised_at), now)} · {a.location || a.source} · {tCode('alarm.state', a.state)}
          {a.now !== null && ` · ${measured(a.now, a.unit)}`}
        </span>
        {a.pending && <span className="pending">{t('alarm.pending')}</span>}
      </div>
      <AckCell a={a} ack={ack} />
    </div>
  );
}

type LaneProps = {
  label: string;
  sorted: Alarm[];
  open: string | null;
  onOpen: (id: string | null) => void;
  sort?: { key: string; dir: 1 | -1; onSort: (k: string) => void };
  testid: string;
};
function Lane({ label, sorted, open, onOpen, sort, testid }: LaneProps) {
  const now = useNow();
  const ack = useAcknowledge();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const held = useHeldOrder(sorted);
  const owing = held.rows.filter((a) => needsAck(a) && !a.pending);
  const picked = owing.filter((a) => chosen.has(a.id)).map((a) => a.id);
  const toggle = (id: string) =>
    setChosen((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const columns = useColumns(now, ack, { chosen: new Set(picked), toggle });
  const acknowledge = (ids: string[]) => ack.mutate({ ids }, { onSuccess: () => setChosen(new Set()) });
  return (
    <>
      <div className="bulk">
        <Command
          needs="operator"
          busy={ack.isPending}
          disabled={!owing.length}
          onClick={() => acknowledge(picked.length ? picked : owing.map((a) => a.id))}
        >
          {picked.length
            ? t('alarm.ackChosen', { count: picked.length })
            : t('alarm.ackVisible', { count: owing.length })}
        </Command>
        {held.fresh > 0 && (
          <button type="button" className="freshpill" onClick={held.release}>
            {t('list.fresh', { count: held.fresh })}
          </button>
        )}
        {ack.isError && (
          <span className="bad" role="alert">
            {errorText(ack.error)}
          </span>
        )}
      </div>
      <div className="heldbox" {...held.hold}>
        <ListTable
          label={label}
          rows={held.rows}
          columns={columns}
          card={(a) => <Card a={a} now={now} ack={ack} />}
          open={open}
          onOpen={(a) => onOpen(a.id)}
          onClose={open ? () => onOpen(null) : undefined}
          sort={sort}
          rowProps={(a) => ({ 'data-state': a.state, 'data-p': String(a.priority) })}
          testid={testid}
        />
      </div>
    </>
  );
}

function History({ open, onOpen }: { open: string | null; onOpen: (id: string | null) => void }) {
  const site = useScope();
  const query = useQuery({
    queryKey: ['alarms', 'all', site],
    enabled: site !== null,
    queryFn: () => get<List<Alarm>>(scoped('/alarms?state=all&limit=200', site)),
  });
  const rows = useMemo(
    () => [...(query.data?.items ?? [])].sort((a, b) => Date.parse(b.raised_at) - Date.parse(a.raised_at)),
    [query.data],
  );
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) return <Skeleton />;
  if (!rows.length) return <Empty title={t('alarm.noHistory')} hint={t('alarm.noneHint')} />;
  return <Lane label={t('alarm.tab.all')} sorted={rows} open={open} onOpen={onOpen} testid="alarms-all" />;
}

function useSort() {
  const [view, patch] = useView();
  const key = SORTS[view.get('sort') ?? ''] ? (view.get('sort') as string) : 'urgency';
  const dir: 1 | -1 = view.get('dir') === 'desc' ? -1 : 1;
  const onSort = (k: string) => patch({ sort: k, dir: key === k && dir === 1 ? 'desc' : null });
  const apply = (list: Alarm[]) =>
    SORTS[key] ? [...list].sort((a, b) => SORTS[key](a, b) * dir || byUrgency(a, b)) : list;
  return { key, dir, onSort, apply, reset: () => patch({ sort: null, dir: null }) };
}

export default function Alarms() {
  useT();
  useTitle(t('nav.alarms'));
  const [view, patch] = useView();
  const tab: Tab = view.get('state') === 'shelved' ? 'shelved' : view.get('state') === 'all' ? 'all' : 'active';
  const loaded = useSignal(alarms.loaded);
  const active = useSortedAlarms(isActive);
  const shelved = useSortedAlarms(isShelved);
  const sort = useSort();
  const ack = useAcknowledge();
  const barrier = useBarrier('operator');
  const id = view.get('id');
  const onOpen = (next: string | null) => patch({ id: next }, id !== null);
  const current = active.find((a) => a.id === id);
  useKeys({
    a: () => current && needsAck(current) && !current.pending && !barrier && ack.mutate({ ids: [current.id] }),
  });
  const tabs = [
    { id: 'active' as const, text: `${t('alarm.tab.active')} ${active.length}` },
    { id: 'shelved' as const, text: `${t('alarm.tab.shelved')} ${shelved.length}` },
    { id: 'all' as const, text: t('alarm.tab.all') },
  ];
  const process = sort.apply(active.filter((a) => !isQuality(a)));
  const quality = active.filter(isQuality);
  const tools = (
    <div className="tools opx">
      {sort.key !== 'urgency' && (
        <button type="button" className="btn quiet" onClick={sort.reset}>
          {t('alarm.defaultOrder')}
        </button>
      )}
      <Seg
        label={t('alarm.tab.label')}
        value={tab}
        options={tabs}
        onPick={(s) => patch({ state: s === 'active' ? null : s, id: null }, false)}
      />
    </div>
  );
  const unacked = process.filter(needsAck).length;
  return (
    <div className="page alarmpage">
      <div className="pagehead">
        <h1>{t('nav.alarms')}</h1>
        <p>{t('alarm.unacked', { count: unacked })}</p>
      </div>
      <div className="sidebyside">
        <div className="lanes">
          <Panel name="process" title={t(`alarm.tab.${tab}`)} tools={tools}>
            {!loaded && <Skeleton />}
            {loaded && tab === 'active' && process.length === 0 && (
              <Empty title={t('alarm.none')} hint={t('alarm.noneHint')} />
            )}
            {loaded && tab === 'active' && process.length > 0 && (
              <Lane
                label={t('nav.alarms')}
                sorted={process}
                open={id}
                onOpen={onOpen}
                sort={sort}
                testid="alarms-active"
              />
            )}
            {loaded && tab === 'shelved' && shelved.length === 0 && <Empty title={t('alarm.noShelved')} />}
            {loaded && tab === 'shelved' && shelved.length > 0 && (
              <Lane label={t('alarm.tab.shelved')} sorted={shelved} open={id} onOpen={onOpen} testid="alarms-shelved" />
            )}
            {tab === 'all' && <History open={id} onOpen={onOpen} />}
          </Panel>
          {tab === 'active' && quality.length > 0 && (
            <Panel name="quality" title={t('alarm.quality')} sub={t('alarm.qualityHint')}>
              <Lane label={t('alarm.quality')} sorted={quality} open={id} onOpen={onOpen} testid="alarms-quality" />
            </Panel>
          )}
        </div>
        {id && <AlarmDetail key={id} id={id} onClose={() => onOpen(null)} />}
      </div>
    </div>
  );
}
