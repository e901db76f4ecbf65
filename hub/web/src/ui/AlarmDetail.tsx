import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { get, path } from '../api/client';
import type { Alarm, AlarmEvent, AlarmDetail as Detail } from '../api/types';
import { useAcknowledge, useShelve, useUnshelve } from '../core/alarmActions';
import { isActive, needsAck } from '../core/alarms';
import { alarms } from '../core/app';
import { clock } from '../core/clock';
import { useSignal } from '../core/signal';
import { at, t, tCode, useT } from '../i18n/i18n';
import { alarmText, measured } from './alarmText';
import { errorText, Failure, Glyph, Skeleton, Stat } from './bits';
import { Command, useBarrier } from './Command';
import { Drawer } from './Drawer';

const SPANS = [15, 60, 480]; // minutes

function Facts({ a }: { a: Alarm }) {
  return (
    <dl className="stats">
      <Stat label={t('alarm.col.state')}>{tCode('alarm.state', a.state)}</Stat>
      <Stat label={t('alarm.col.class')}>{tCode('alarm.class', a.class)}</Stat>
      <Stat label={t('alarm.col.location')}>{a.location || '–'}</Stat>
      <Stat label={t('alarm.col.device')}>{a.source || '–'}</Stat>
      <Stat label={t('alarm.col.value')}>{measured(a.value, a.unit)}</Stat>
      <Stat label={t('alarm.col.now')}>{measured(a.now, a.unit)}</Stat>
      <Stat label={t('alarm.col.limit')}>{measured(a.limit, a.unit)}</Stat>
      <Stat label={t('alarm.col.raised')}>{at(a.raised_at)}</Stat>
      {a.returned_at && <Stat label={t('alarm.col.returned')}>{at(a.returned_at)}</Stat>}
      {a.acked_at && (
        <Stat label={t('alarm.col.acked')}>
          {at(a.acked_at)} · {a.acked_by}
        </Stat>
      )}
      {a.shelved_until && <Stat label={t('alarm.col.until')}>{at(a.shelved_until)}</Stat>}
      {a.shelved_until && (
        <Stat label={t('alarm.shelve.reason')}>
          {a.shelve_reason} · {a.shelved_by}
        </Stat>
      )}
      <Stat label={t('alarm.col.rule')}>{a.rule}</Stat>
    </dl>
  );
}

function Acknowledge({ a }: { a: Alarm }) {
  const ack = useAcknowledge();
  const [comment, setComment] = useState('');
  if (!needsAck(a)) return null;
  return (
    <form className="act" onSubmit={(e) => e.preventDefault()}>
      <label>
        {t('alarm.comment')}
        <input className="input" value={comment} onChange={(e) => setComment(e.target.value)} maxLength={500} />
      </label>
      <Command
        needs="operator"
        primary
        busy={ack.isPending}
        disabled={!!a.pending}
        onClick={() => ack.mutate({ ids: [a.id], comment })}
      >
        {t('alarm.ack')}
      </Command>
      {ack.isError && (
        <p className="formerror" role="alert">
          {errorText(ack.error)}
        </p>
      )}
    </form>
  );
}

/** Minutes from now until a local date and time; never less than one. */
export const minutesUntil = (local: string, now: number) =>
  Math.max(1, Math.round((new Date(local).getTime() - now) / 60_000));

function Shelve({ a }: { a: Alarm }) {
  const shelve = useShelve();
  const barrier = useBarrier('operator');
  const [minutes, setMinutes] = useState<number | 'until'>(60);
  const [until, setUntil] = useState('');
  const [reason, setReason] = useState('');
  if (!isActive(a)) return null;
  const valid = reason.trim() !== '' && (minutes !== 'until' || until !== '');
  const go = () =>
    shelve.mutate({
      id: a.id,
      reason: reason.trim(),
      minutes: minutes === 'until' ? minutesUntil(until, clock.now()) : minutes,
    });
  return (
    <details className="shelve">
      <summary>{t('alarm.shelve')}</summary>
      <form className="act" onSubmit={(e) => e.preventDefault()}>
        <fieldset disabled={!!barrier}>
          <legend className="vh">{t('alarm.shelve.span')}</legend>
          <div className="seg">
            {SPANS.map((m) => (
              <button key={m} type="button" aria-pressed={minutes === m} onClick={() => setMinutes(m)}>
                {m < 60 ? t('alarm.shelve.minutes', { n: m }) : t('alarm.shelve.hours', { n: m / 60 })}
              </button>
            ))}
            <button type="button" aria-pressed={minutes === 'until'} onClick={() => setMinutes('until')}>
              {t('alarm.shelve.until')}
            </button>
          </div>
          {minutes === 'until' && (
            <label>
              {t('alarm.shelve.until')}
              <input className="input" type="datetime-local" value={until} onChange={(e) => setUntil(e.target.value)} />
            </label>
          )}
          <label>
            {t('alarm.shelve.reason')}
            <input
              className="input"
              value={reason}
              onChange={(e) => setReason(e.target.value)}
              required
              maxLength={500}
            />
          </label>
        </fieldset>
        <Command needs="operator" busy={shelve.isPending} disabled={!valid || !!a.pending} onClick={go}>
          {t('alarm.shelve')}
        </Command>
        {shelve.isError && (
          <p className="formerror" role="alert">
            {errorText(shelve.error)}
          </p>
        )}
      </form>
    </details>
  );
}

function Unshelve({ a }: { a: Alarm }) {
  const unshelve = useUnshelve();
  if (a.state !== 'shelved') return null;
  return (
    <div className="act">
      <Command
        needs="operator"
        primary
        busy={unshelve.isPending}
        disabled={!!a.pending}
        onClick={() => unshelve.mutate(a.id)}
      >
        {t('alarm.unshelve')}
      </Command>
      {unshelve.isError && (
        <p className="formerror" role="alert">
          {errorText(unshelve.error)}
        </p>
      )}
    </div>
  );
}

function Timeline({ events }: { events: AlarmEvent[] }) {
  const newest = [...events].sort((x, y) => Date.parse(y.at) - Date.parse(x.at));
  return (
    <ol className="timeline">
      {newest.map((e) => (
        <li key={`${e.at}${e.action}`}>
          <span className="tnum dimc">{at(e.at).slice(5)}</span>
          <span>
            <b>{tCode('alarm.action', e.action)}</b> {e.actor && <span className="dimc">{e.actor}</span>}
            {e.comment && <q>{e.comment}</q>}
          </span>
          <span className="dimc">{tCode('alarm.state', e.to)}</span>
        </li>
      ))}
    </ol>
  );
}

/** One alarm: its figures, what can be done about it, and everything that happened to it. */
export function AlarmDetail({ id, onClose }: { id: string; onClose: () => void }) {
  useT();
  const query = useQuery({ queryKey: ['alarm', id], queryFn: () => get<Detail>(path('alarms', id)) });
  const live = useSignal(alarms.all).get(id);
  const a = live ?? query.data;
  return (
    <div className="panel dock">
      <Drawer
        title={a ? alarmText(a) : '…'}
        label={t('alarm.detail')}
        onClose={onClose}
        testid="alarm-detail"
        focus={false}
      >
        {query.isError && !a && <Failure error={query.error} retry={() => void query.refetch()} />}
        {!a && !query.isError && <Skeleton rows={4} />}
        {a && (
          <>
            <p className="headline">
              <Glyph p={a.priority} size={16} />
              {t(`alarm.p${a.priority}`)}
              {a.pending && (
                <span className="pending" data-testid="pending">
                  {t('alarm.pendingLong', { edge: a.edge })}
                </span>
              )}
            </p>
            <Facts a={a} />
            <Acknowledge a={a} />
            <Shelve a={a} />
            <Unshelve a={a} />
            {query.data && <h3>{t('alarm.history')}</h3>}
            {query.data && <Timeline events={query.data.events} />}
          </>
        )}
      </Drawer>
    </div>
  );
}
