import { useState } from 'react';
import { Link } from 'react-router';
import type { Evidence, Movement } from '../api/types';
import { at, dec, pct, signed, t, tCode, time, useT } from '../i18n/i18n';
import { Stat } from './bits';

/** How much a movement changed at one place; at all places without one. */
const changeAt = (m: Movement, location: string | null, item: string | null) =>
  m.entries
    .filter((e) => (location === null || e.location === location) && (item === null || e.item === item))
    .reduce((sum, e) => sum + (location === null && e.quantity < 0 ? 0 : e.quantity), 0);

const route = (m: Movement) => {
  const from = m.entries.find((e) => e.quantity < 0)?.location ?? '–';
  const to = m.entries.find((e) => e.quantity > 0)?.location ?? '–';
  return from === to ? from : `${from} → ${to}`;
};

function Seen({ evidence }: { evidence: Evidence }) {
  const { pass, read_point, reads, peak_rssi_dbm, confidence_permille, first_read, last_read, biz_step } = evidence;
  return (
    <dl className="stats">
      {biz_step && <Stat label={t('why.step')}>{tCode('step', biz_step)}</Stat>}
      {read_point && <Stat label={t('why.readPoint')}>{read_point}</Stat>}
      {reads !== undefined && <Stat label={t('why.reads')}>{reads}</Stat>}
      {peak_rssi_dbm != null && <Stat label={t('why.rssi')}>{dec(peak_rssi_dbm, 1)} dBm</Stat>}
      {first_read && last_read && (
        <Stat label={t('why.span')}>
          {time(Date.parse(first_read))} – {time(Date.parse(last_read))}
        </Stat>
      )}
      {confidence_permille !== undefined && <Stat label={t('why.confidence')}>{pct(confidence_permille / 1000)}</Stat>}
      {pass && <Stat label={t('why.pass')}>{pass.slice(-8)}</Stat>}
    </dl>
  );
}

type OneProps = { m: Movement; location: string | null; item: string | null };
function One({ m, location, item }: OneProps) {
  const [open, setOpen] = useState(false);
  const door = m.evidence?.pass && m.evidence.read_point ? m.evidence : null;
  return (
    <li className={open ? 'open' : undefined}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className="tnum dimc">{at(m.effective_at).slice(5)}</span>
        <span className="what">
          {tCode('kind', m.kind)} <span className="dimc">{route(m)}</span>
        </span>
        <b className="tnum">{signed(changeAt(m, location, item))}</b>
      </button>
      {open && (
        <div className="evidence">
          <table>
            <caption>{t('why.entries')}</caption>
            <tbody>
              {m.entries.map((e, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: an entry is its line
                <tr key={i}>
                  <td>{e.item}</td>
                  <td>{e.location}</td>
                  <td>{tCode('state', e.state)}</td>
                  <td className="r tnum">{signed(e.quantity)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {m.entries.find((e) => e.tag) && <p className="tag">{m.entries.find((e) => e.tag)?.tag}</p>}
          {m.evidence && <Seen evidence={m.evidence} />}
          <p className="dimc">
            {t('why.source', { source: m.source, key: m.key, recorded: at(m.recorded_at) })}
            {door && location === null ? null : door && <Link to="/docks"> {t('why.toDoors')}</Link>}
          </p>
        </div>
      )}
    </li>
  );
}

type Props = { movements: Movement[]; location?: string; item?: string };
/** The movements behind a figure, newest first; each opens to its entries and to the reads that it rests on. */
export function Why({ movements, location, item }: Props) {
  useT();
  if (!movements.length) return <p className="dimc pad">{t('why.none')}</p>;
  return (
    <ol className="why">
      {movements.map((m) => (
        <One key={m.id} m={m} location={location ?? null} item={item ?? null} />
      ))}
    </ol>
  );
}
