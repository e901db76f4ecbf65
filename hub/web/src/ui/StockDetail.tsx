import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { get, path } from '../api/client';
import type { StockDetail as Detail, StockTag } from '../api/types';
import { queries, stock } from '../core/app';
import { clock } from '../core/clock';
import { named } from '../core/names';
import { cover } from '../core/order';
import { dec, num, t, tCode, useT, when } from '../i18n/i18n';
import { Failure, Skeleton, Stat, StatusTag } from './bits';
import { Drawer } from './Drawer';
import { Why } from './Why';

const TAGS_SHOWN = 200;

function Figures({ row }: { row: number }) {
  const s = stock;
  const ratio = cover(s.onHand[row], s.min[row]);
  return (
    <dl className="stats">
      <Stat label={t('col.status')}>
        <StatusTag flags={s.flags[row]} />
      </Stat>
      <Stat label={t('col.on_hand')}>
        <b className="big">{num(s.onHand[row])}</b>
      </Stat>
      <Stat label={t('col.location')}>{s.locations[s.location[row]].code}</Stat>
      <Stat label={t('col.item')}>{s.items[s.item[row]].id}</Stat>
      <Stat label={t('detail.minmax')}>{s.max[row] ? `${num(s.min[row])} … ${num(s.max[row])}` : '–'}</Stat>
      <Stat label={t('col.cover')}>{Number.isFinite(ratio) ? `${dec(ratio, 1)}×` : '–'}</Stat>
      <Stat label={t('col.unseen')}>{num(s.unseen[row])}</Stat>
      <Stat label={t('col.seen')}>{s.seen[row] > 0 ? when(s.seen[row], clock.now()) : '–'}</Stat>
    </dl>
  );
}

function Tags({ tags }: { tags: StockTag[] }) {
  return (
    <details>
      <summary>{t('detail.tags', { count: tags.length })}</summary>
      <ul className="tags">
        {tags.slice(0, TAGS_SHOWN).map((x) => (
          <li key={x.tag}>
            <span className="tag">{x.tag}</span>
            <span className="dimc">
              {[x.lot, tCode('state', x.state), x.seen_at ? when(Date.parse(x.seen_at), clock.now()) : '']
                .filter(Boolean)
                .join(' · ')}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** A stock row and why it is what it is: its tags, and the movements that made it. */
export function StockDetail({ row, onClose }: { row: number; onClose: () => void }) {
  const { lang } = useT();
  const subscribe = useCallback((f: () => void) => stock.subRow(row, f), [row]);
  const version = useSyncExternalStore(subscribe, () => stock.version[row]);
  const it = stock.items[stock.item[row]];
  const code = stock.locations[stock.location[row]].code;
  const key = ['stock', it.id, code];
  const query = useQuery({ queryKey: key, queryFn: () => get<Detail>(`/stock${path(it.id, code)}`) });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a live change of the row asks again
  useEffect(() => {
    if (version > 0) void queries.invalidateQueries({ queryKey: key });
  }, [version]);
  return (
    <Drawer title={named(it.name, it.id, lang)} label={t('detail.title')} onClose={onClose} testid="detail">
      <Figures row={row} />
      <h3>{t('why.title')}</h3>
      {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Skeleton rows={4} />}
      {query.data && (
        <>
          <Tags tags={query.data.tags} />
          <Why movements={query.data.movements} location={code} item={it.id} />
        </>
      )}
    </Drawer>
  );
}
