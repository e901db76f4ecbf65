import type { Pass } from '../api/types';
import { useNow } from '../core/hooks';
import { age, num, t, useT, when } from '../i18n/i18n';
import { confidence, Way } from './DoorCard';
import { type Column, ListTable } from './ListTable';

const lasted = (p: Pass, now: number) => age((p.closed_at ? Date.parse(p.closed_at) : now) - Date.parse(p.opened_at));

type Props = {
  passes: Pass[];
  doorNames?: Map<string, string>;
  open?: string | null;
  onOpen: (p: Pass) => void;
  onClose?: () => void;
};
/** Passes, newest first; those that still go on say so. */
export function PassList({ passes, doorNames, open, onOpen, onClose }: Props) {
  useT();
  const now = useNow();
  const door: Column<Pass>[] = doorNames
    ? [{ key: 'door', head: t('pass.door'), cell: (p) => doorNames.get(p.door) ?? p.door }]
    : [];
  const columns: Column<Pass>[] = [
    {
      key: 'opened',
      head: t('pass.opened'),
      cell: (p) => <span className="tnum">{when(Date.parse(p.opened_at), now)}</span>,
    },
    ...door,
    { key: 'way', head: t('pass.direction'), cell: (p) => <Way direction={p.direction} /> },
    { key: 'tags', head: t('pass.tags'), right: true, cell: (p) => num(p.tags) },
    { key: 'moved', head: t('pass.moved'), right: true, cell: (p) => num(p.moved) },
    { key: 'confidence', head: t('pass.confidence'), right: true, hide: 'm', cell: confidence },
    { key: 'lasted', head: t('pass.lasted'), right: true, hide: 'm', cell: (p) => lasted(p, now) },
    {
      key: 'state',
      head: t('pass.state'),
      cell: (p) => (p.closed_at ? t('pass.closed') : <b className="strong">{t('pass.open')}</b>),
    },
  ];
  const card = (p: Pass) => (
    <div className="pcard">
      <Way direction={p.direction} size={20} />
      <b className="tnum">
        {num(p.tags)} {t('door.tags', { count: p.tags })}
      </b>
      <span className="dimc tnum">
        {when(Date.parse(p.opened_at), now)}
        {doorNames && ` · ${doorNames.get(p.door) ?? p.door}`} · {p.closed_at ? confidence(p) : t('pass.open')}
      </span>
    </div>
  );
  return (
    <ListTable
      label={t('pass.title')}
      rows={passes}
      columns={columns}
      card={card}
      open={open}
      onOpen={onOpen}
      onClose={onClose}
      rowProps={(p) => ({ 'data-open': p.closed_at ? undefined : 'true', 'data-way': p.direction })}
      testid="passes"
    />
  );
}
