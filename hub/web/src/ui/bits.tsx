import { memo, type ReactNode } from 'react';
import { ApiError } from '../api/client';
import { FLAG, STATUS_PRIORITY, statusOf } from '../core/stock';
import { hasKey, type Key, t, useT } from '../i18n/i18n';

const SHAPES: Record<number, ReactNode> = {
  1: <rect x="1" y="1" width="14" height="14" rx="1.5" fill="var(--p1)" stroke="var(--p1-line)" />,
  2: <path d="M8 .9 15.5 15H.5z" fill="var(--p2)" stroke="var(--p2-line)" strokeLinejoin="round" />,
  3: <path d="M.5 1h15L8 15.1z" fill="var(--p3)" stroke="var(--p3-line)" strokeLinejoin="round" />,
  9: <circle cx="8" cy="8" r="6.6" fill="none" stroke="var(--q)" strokeWidth="1.6" strokeDasharray="2.6 1.8" />,
};
const DIGITS: Record<number, { y: number; size: number; fill: string }> = {
  1: { y: 12, size: 11, fill: 'var(--p1-on)' },
  2: { y: 13.4, size: 9.5, fill: 'var(--p2-on)' },
  3: { y: 9.6, size: 9.5, fill: 'var(--p3-on)' },
  9: { y: 11.8, size: 10, fill: 'var(--q)' },
};

type GlyphProps = { p: number; size?: number; blink?: boolean; label?: string };
/** A priority told three ways: colour, shape and digit. Works in greyscale and for colour-blind users. */
export const Glyph = memo(function Glyph({ p, size = 14, blink, label }: GlyphProps) {
  const d = DIGITS[p];
  if (!d) return null;
  return (
    <svg
      className={`glyph${blink ? ' blink' : ''}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      role={label ? 'img' : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
    >
      {SHAPES[p]}
      <text x="8" y={d.y} textAnchor="middle" fontSize={d.size} fontWeight="800" fill={d.fill}>
        {p === 9 ? '?' : p}
      </text>
    </svg>
  );
});

export function StatusTag({ flags }: { flags: number }) {
  useT();
  const status = statusOf(flags);
  const also = flags & FLAG.unseen && status !== 'unseen';
  return (
    <span className={`status ${status}`}>
      {status === 'ok' ? <span className="glyph-gap" /> : <Glyph p={STATUS_PRIORITY[status]} />}
      <span>{t(`status.${status}`)}</span>
      {also ? <Glyph p={9} size={12} label={t('status.unseen')} /> : null}
    </span>
  );
}

type EmptyProps = { title: string; hint?: string; action?: string; onAction?: () => void };
export function Empty({ title, hint, action, onAction }: EmptyProps) {
  return (
    <div className="empty">
      <b>{title}</b>
      {hint && <span>{hint}</span>}
      {action && (
        <button type="button" className="btn" onClick={onAction}>
          {action}
        </button>
      )}
    </div>
  );
}

/** A failure in the reader's language, by its code; the hub's own sentence where the code has none. */
export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const key = `err.code.${error.code}`;
  return hasKey(key) ? t(key as Key, error.params) : error.message;
}
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  useT();
  return (
    <div role="alert" className="failure">
      <Empty title={t('err.title')} hint={errorText(error)} action={retry && t('err.retry')} onAction={retry} />
    </div>
  );
}

type PanelProps = { name: string; title: ReactNode; sub?: ReactNode; tools?: ReactNode; children: ReactNode };
export function Panel({ name, title, sub, tools, children }: PanelProps) {
  return (
    <section className={`panel ${name}`} aria-labelledby={`panel-${name}`}>
      <div className="phead">
        <h2 id={`panel-${name}`}>{title}</h2>
        {sub && <span className="sub tnum">{sub}</span>}
        <span className="grow" />
        {tools}
      </div>
      {children}
    </section>
  );
}

export function Skeleton({ rows = 6 }: { rows?: number }) {
  useT();
  return (
    <div className="skels" role="status" aria-busy="true">
      <span className="vh">{t('loading')}</span>
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bars without identity
        <div key={i} className="skel" />
      ))}
    </div>
  );
}

type SegProps<T extends string> = {
  label: string;
  value: T;
  options: { id: T; text: ReactNode }[];
  onPick: (id: T) => void;
};
/** A row of buttons of which one is pressed. */
export function Seg<T extends string>({ label, value, options, onPick }: SegProps<T>) {
  return (
    <div className="seg" role="group" aria-label={label}>
      {options.map((o) => (
        <button key={o.id} type="button" aria-pressed={o.id === value} onClick={() => onPick(o.id)}>
          {o.text}
        </button>
      ))}
    </div>
  );
}

export const Stat = ({ label, children }: { label: string; children: ReactNode }) => (
  <div className="stat">
    <dt>{label}</dt>
    <dd>{children}</dd>
  </div>
);

export const SortMark = ({ up }: { up: boolean }) => (
  <svg width="9" height="9" viewBox="0 0 10 10" aria-hidden="true">
    <path d={up ? 'M5 2l4 6H1z' : 'M5 8L1 2h8z'} fill="currentColor" />
  </svg>
);
