import { useNavigate } from 'react-router';
import { useTitle } from '../core/hooks';
import { named } from '../core/names';
import { usePasses } from '../core/passes';
import { t, useT } from '../i18n/i18n';
import { Empty, Failure, Panel, Skeleton } from '../ui/bits';
import { DoorCard } from '../ui/DoorCard';
import { useDoors } from '../ui/FloorMap';
import { PassList } from '../ui/PassList';

export default function Docks() {
  const { lang } = useT();
  useTitle(t('nav.docks'));
  const navigate = useNavigate();
  const doors = useDoors();
  const list = doors.data?.items ?? [];
  const passes = usePasses(list.map((d) => d.id));
  const names = new Map(list.map((d) => [d.id, named(d.name, d.id, lang)]));
  return (
    <div className="page docks">
      <div className="pagehead">
        <h1>{t('nav.docks')}</h1>
        <p>{doors.data ? t('door.count', { count: list.length }) : t('loading')}</p>
      </div>
      {doors.isError && <Failure error={doors.error} retry={() => void doors.refetch()} />}
      {doors.isPending && <Skeleton rows={3} />}
      {doors.data && list.length === 0 && <Empty title={t('door.none')} hint={t('door.noneHint')} />}
      <div className="doorcards">
        {list.map((d) => (
          <DoorCard key={d.id} door={d} />
        ))}
      </div>
      <Panel name="passes" title={t('pass.title')}>
        {passes.error ? (
          <Failure error={passes.error} retry={passes.retry} />
        ) : passes.pending || doors.isPending ? (
          <Skeleton />
        ) : passes.passes.length === 0 ? (
          <Empty title={t('pass.none')} hint={t('pass.noneHint')} />
        ) : (
          <PassList
            passes={passes.passes}
            doorNames={names}
            onOpen={(p) => void navigate(`/docks/${encodeURIComponent(p.door)}?pass=${encodeURIComponent(p.id)}`)}
          />
        )}
      </Panel>
    </div>
  );
}
