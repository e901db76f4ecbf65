import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Link, useParams } from 'react-router';
import { get, path } from '../api/client';
import type { Pass, PassDetail } from '../api/types';
import { queries } from '../core/app';
import { useTitle, useView } from '../core/hooks';
import { named } from '../core/names';
import { usePasses } from '../core/passes';
import { at, num, t, useT } from '../i18n/i18n';
import { Empty, Failure, Panel, Skeleton, Stat } from '../ui/bits';
import { confidence, DoorCard, Way } from '../ui/DoorCard';
import { Drawer } from '../ui/Drawer';
import { useDoors } from '../ui/FloorMap';
import { PassList } from '../ui/PassList';
import { Why } from '../ui/Why';
import NotFound from './NotFound';

function PassPanel({ id, live, onClose }: { id: string; live?: Pass; onClose: () => void }) {
  const key = ['pass', id];
  const query = useQuery({ queryKey: key, queryFn: () => get<PassDetail>(path('passes', id)) });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a live change of the pass asks again
  useEffect(() => {
    if (live) void queries.invalidateQueries({ queryKey: key });
  }, [live?.tags, live?.moved, live?.closed_at]);
  const pass = live ?? query.data;
  return (
    <div className="panel dock">
      <Drawer title={t('pass.one')} label={t('pass.one')} onClose={onClose} testid="pass-detail" focus={false}>
        {query.isError && !pass && <Failure error={query.error} retry={() => void query.refetch()} />}
        {pass && (
          <dl className="stats">
            <Stat label={t('pass.direction')}>
              <Way direction={pass.direction} />
            </Stat>
            <Stat label={t('pass.tags')}>
              <b className="big">{num(pass.tags)}</b>
            </Stat>
            <Stat label={t('pass.moved')}>{num(pass.moved)}</Stat>
            <Stat label={t('pass.confidence')}>{confidence(pass)}</Stat>
            <Stat label={t('pass.opened')}>{at(pass.opened_at)}</Stat>
            <Stat label={t('pass.closedAt')}>{pass.closed_at ? at(pass.closed_at) : t('pass.open')}</Stat>
          </dl>
        )}
        <h3>{t('pass.movements')}</h3>
        {query.isPending && <Skeleton rows={4} />}
        {query.data && <Why movements={query.data.movements} />}
      </Drawer>
    </div>
  );
}

export default function DoorPage() {
  const { lang } = useT();
  const { door: id = '' } = useParams();
  const [view, patch] = useView();
  const doors = useDoors();
  const door = doors.data?.items.find((d) => d.id === id);
  const passes = usePasses(door ? [id] : []);
  const name = named(door?.name, id, lang);
  useTitle(name);
  if (doors.data && !door) return <NotFound />;
  const open = view.get('pass');
  const close = () => patch({ pass: null });
  return (
    <div className="page docks">
      <div className="pagehead">
        <h1>{name}</h1>
        <p>
          <Link to="/docks">{t('door.all')}</Link>
        </p>
      </div>
      {doors.isError && <Failure error={doors.error} retry={() => void doors.refetch()} />}
      <div className="doorcards">{door && <DoorCard door={door} link={false} />}</div>
      <div className="sidebyside">
        <Panel name="passes" title={t('pass.title')}>
          {passes.error && <Failure error={passes.error} retry={passes.retry} />}
          {(passes.pending || doors.isPending) && <Skeleton />}
          {door && !passes.pending && !passes.error && passes.passes.length === 0 && (
            <Empty title={t('pass.none')} hint={t('pass.noneHint')} />
          )}
          {passes.passes.length > 0 && (
            <PassList
              passes={passes.passes}
              open={open}
              onOpen={(p) => patch({ pass: p.id }, open !== null)}
              onClose={open ? close : undefined}
            />
          )}
        </Panel>
        {open && <PassPanel key={open} id={open} live={passes.passes.find((p) => p.id === open)} onClose={close} />}
      </div>
    </div>
  );
}
