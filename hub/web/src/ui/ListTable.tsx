import { type ReactNode, useEffect, useState } from 'react';
import { usePhone } from '../core/hooks';
import { useKeys } from '../core/keys';
import { SortMark } from './bits';

export type Column<T> = {
  key: string;
  head: ReactNode;
  cell: (row: T) => ReactNode;
  right?: boolean;
  /** Narrow screens go without: s phones, m tablets; k a wall, which nobody touches. */
  hide?: 's' | 'm' | 'k';
  sortable?: boolean;
};
type Props<T> = {
  label: string;
  rows: T[];
  columns: Column<T>[];
  /** The same row on a phone. */
  card: (row: T) => ReactNode;
  open?: string | null;
  onOpen?: (row: T) => void;
  onClose?: () => void;
  sort?: { key: string; dir: 1 | -1; onSort: (key: string) => void };
  rowProps?: (row: T) => Record<string, string | undefined>;
  testid?: string;
};

/** A list of things with an id: rows open by click, Enter, and J/K; a table on a desk, cards on a phone. */
export function ListTable<T extends { id: string }>(p: Props<T>) {
  const phone = usePhone();
  const [at, setAt] = useState<string | null>(p.open ?? null);
  useEffect(() => {
    if (p.open) setAt(p.open);
  }, [p.open]);
  const step = (by: number) => {
    if (!p.rows.length) return;
    const now = p.rows.findIndex((r) => r.id === at);
    const row = p.rows[Math.max(0, Math.min(p.rows.length - 1, now < 0 ? 0 : now + by))];
    setAt(row.id);
    document.getElementById(`item-${row.id}`)?.scrollIntoView({ block: 'nearest' });
    if (p.open) p.onOpen?.(row);
  };
  const here = p.rows.find((r) => r.id === at);
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    arrowdown: () => step(1),
    arrowup: () => step(-1),
    ...(here && p.onOpen ? { enter: () => p.onOpen?.(here) } : {}),
    ...(p.onClose ? { escape: p.onClose } : {}),
  });
  const rowProps = (row: T) => ({
    id: `item-${row.id}`,
    'aria-current': row.id === p.open ? ('true' as const) : undefined,
    'data-at': row.id === at ? 'true' : undefined,
    tabIndex: p.onOpen ? 0 : undefined,
    onFocus: () => setAt(row.id),
    ...p.rowProps?.(row),
  });
  const open = (row: T) => p.onOpen && { onClick: () => p.onOpen?.(row) };
  if (phone)
    return (
      <ul className="cards" aria-label={p.label} data-testid={p.testid}>
        {p.rows.map((row) => (
          <li key={row.id} {...rowProps(row)} {...open(row)}>
            {p.card(row)}
          </li>
        ))}
      </ul>
    );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable
    <div className="listwrap" tabIndex={0} role="group" aria-label={p.label}>
      <table className="list" data-testid={p.testid}>
        <thead>
          <tr>
            {p.columns.map((c) => (
              <th key={c.key} scope="col" className={cls(c)} aria-sort={sortOf(p.sort, c.key)}>
                <Head column={c} sort={p.sort} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {p.rows.map((row) => (
            <tr key={row.id} {...rowProps(row)} {...open(row)} className={p.onOpen && 'opens'}>
              {p.columns.map((c) => (
                <td key={c.key} className={cls(c)}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const cls = (c: {
  right?: boolean /** Narrow screens go without: s phones, m tablets; k a wall, which nobody touches. */;
  hide?: 's' | 'm' | 'k';
}) => [c.right && 'r tnum', c.hide && `hide-${c.hide}`].filter(Boolean).join(' ') || undefined;
const sortOf = (sort: Props<{ id: string }>['sort'], key: string) =>
  sort?.key === key ? (sort.dir === 1 ? 'ascending' : 'descending') : undefined;

function Head<T>({ column, sort }: { column: Column<T>; sort: Props<{ id: string }>['sort'] }) {
  if (!sort || !column.sortable) return column.head;
  return (
    <button type="button" onClick={() => sort.onSort(column.key)}>
      {column.head}
      {sort.key === column.key && <SortMark up={sort.dir === 1} />}
    </button>
  );
}
