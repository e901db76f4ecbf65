import { useQuery } from '@tanstack/react-query';
import { memo, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { get } from '../api/client';
import type { Door, List, Location } from '../api/types';
import { stock } from '../core/app';
import { fitted, widthOf } from '../core/fit';
import { type Box, layOut } from '../core/floor';
import { useStockLoad, useTotals } from '../core/hooks';
import { named } from '../core/names';
import { scoped, useScope } from '../core/site';
import { FLAGS, fillOf, type Place, placePriority } from '../core/stock';
import { dec, num, pct, t, useT } from '../i18n/i18n';
import { kiosk } from '../shell/wall';

export type MapMode = 'exceptions' | 'fill';
type Mark = 0 | 1 | 2 | 3 | 9;

const SHADES = 5;
const NAME_Y = kiosk ? 21 : 16;
const ZONE_PX = kiosk ? 17 : 12;
const shade = (p: Place) => {
  const fill = fillOf(p);
  if (fill !== null) return Math.min(SHADES - 1, Math.floor(fill * SHADES));
  return p.units > 0 ? 1 : 0;
};

/** The place's name without what its zone already says: SZ1-A-01 in SZ1-A is 01. */
export const shortCode = (code: string, parent: string) =>
  parent && code.startsWith(`${parent}-`) ? code.slice(parent.length + 1) : code;

type BayProps = Box & {
  name: string;
  label: string;
  mark: Mark;
  shade: number;
  units: number;
  fill: number | null;
  selected: boolean;
  mode: MapMode;
};
const Bay = memo(function Bay(b: BayProps) {
  useT();
  const alarm = b.mode === 'exceptions' && (b.mark === 1 || b.mark === 2);
  const paint = b.mark === 9 ? 'url(#hatch)' : alarm ? `var(--p${b.mark})` : `var(--bay-${b.shade})`;
  const ink = alarm ? `var(--p${b.mark}-on)` : 'var(--ink)';
  const titled = b.w > (b.mark && b.mode === 'exceptions' ? 44 : 30) && b.h > 18;
  const counted = b.w > 54 && b.h > 18;
  const tall = b.h > 38; // room for two lines
  const middle = b.y + b.h / 2 + 4.5;
  const marked = b.mode === 'exceptions' && b.mark >= 1 && b.mark <= 3;
  return (
    <g className={`bay${b.selected ? ' sel' : ''}`} data-bay={b.code}>
      <title>{b.label}</title>
      <rect x={b.x} y={b.y} width={b.w} height={b.h} rx={3} style={{ fill: paint }} />
      {titled && (
        <text className="bay-t" x={b.x + 7} y={tall ? b.y + 16 : middle} fill={ink}>
          {b.name}
        </text>
      )}
      {counted && (
        <text
          className="bay-n"
          x={b.x + b.w - (marked && !tall ? 24 : 7)}
          y={tall ? b.y + b.h - 8 : middle}
          fill={ink}
          textAnchor="end"
        >
          {b.mode === 'fill' && b.fill !== null ? pct(b.fill) : num(b.units)}
        </text>
      )}
      {alarm && (
        <text className="bay-mark" x={b.x + b.w - 10} y={tall ? b.y + 16 : middle} fill={ink} textAnchor="middle">
          {b.mark}
        </text>
      )}
      {b.mode === 'exceptions' && b.mark === 3 && (
        <path className="m3" d={`M${b.x + b.w - 15} ${b.y + 4}h11l-5.5 9.5z`} />
      )}
    </g>
  );
});

function bayLabel(place: Location, p: Place, lang: 'en' | 'zh-CN'): string {
  const fill = fillOf(p);
  const flags = FLAGS.filter((f) => p.flags[f]).map((f) => `${p.flags[f]} × ${t(`status.${f}`)}`);
  const parts = [
    named(place.name, place.code, lang),
    t('map.units', { count: p.units }),
    fill === null ? '' : t('map.full', { pct: pct(fill) }),
    ...flags,
  ];
  return parts.filter(Boolean).join(' · ');
}

function useSize() {
  const ref = useRef<HTMLDivElement>(null);
  const [size, set] = useState({ w: 0, h: 0 });
  useLayoutEffect(() => {
    const el = ref.current as HTMLDivElement;
    const observer = new ResizeObserver(() => set({ w: el.clientWidth, h: el.clientHeight }));
    observer.observe(el);
    return () => observer.disconnect();
  }, []);
  return [ref, size] as const;
}

type Props = { mode: MapMode; within: string | null; onPick: (code: string) => void };
export function FloorMap({ mode, within, onPick }: Props) {
  useT();
  const load = useStockLoad();
  useTotals();
  const [ref, { w, h }] = useSize();
  const doorCodes = useMemo(() => (load ? stock.doors.map((d) => d.id) : []), [load]);
  const bays = stock.locations.filter((l) => l.kind === 'bay').length;
  const width = Math.max(w, bays > 60 ? 640 : 0); // a large hall is scrolled on a phone rather than crushed
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store's places change with load
  const plan = useMemo(
    () => (width && h ? layOut(stock.locations, doorCodes, width, h, kiosk ? 32 : 24) : null),
    [load, doorCodes, width, h],
  );
  return (
    <div className="mapwrap" ref={ref}>
      {plan && (
        <svg
          width={width}
          height={h}
          viewBox={`0 0 ${width} ${h}`}
          role="group"
          aria-label={t('map.title')}
          data-testid="floormap"
        >
          <defs>
            <pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <rect width="7" height="7" style={{ fill: 'var(--bay-0)' }} />
              <rect width="2.4" height="7" style={{ fill: 'var(--q)' }} />
            </pattern>
          </defs>
          {plan.zones.map((z) => (
            <Zone key={z.code} box={z} bays={plan.bays.get(z.code) ?? []} mode={mode} within={within} onPick={onPick} />
          ))}
          {plan.others.map((o) => (
            <Zone key={o.code} box={o} bays={[]} mode={mode} within={within} onPick={onPick} />
          ))}
          {plan.doors.map((d) => (
            <DoorBox key={d.code} box={d} />
          ))}
        </svg>
      )}
    </div>
  );
}

type ZoneProps = { box: Box; bays: Box[]; mode: MapMode; within: string | null; onPick: (code: string) => void };
function Zone({ box, bays, mode, within, onPick }: ZoneProps) {
  const { lang } = useT();
  const place = stock.place(box.code);
  if (!place) return null;
  const sum = stock.places[stock.locations.indexOf(place)];
  const name = named(place.name, place.code, lang);
  const limits =
    place.temp_low !== null && place.temp_high !== null
      ? `${dec(place.temp_low, 0)}…${dec(place.temp_high, 0)} °C`.replaceAll('-', '−')
      : '';
  const lone = bays.length === 0; // a dock or a table: its goods stand in it directly
  const flat = box.h < 48; // its figure stands beside its name
  const label = lone ? bayLabel(place, sum, lang) : t('map.zone', { name });
  const pick = (e: React.SyntheticEvent) => {
    const bay = (e.target as Element).closest?.('[data-bay]')?.getAttribute('data-bay');
    onPick(bay ?? box.code);
  };
  return (
    <g
      className="zone"
      role="button"
      tabIndex={0}
      aria-pressed={within === box.code}
      aria-label={label}
      data-zone={box.code}
      onClick={pick}
      onKeyDown={(e) => {
        if (e.key !== 'Enter' && e.key !== ' ') return;
        e.preventDefault();
        onPick(box.code);
      }}
    >
      <rect className="zone-rect" x={box.x} y={box.y} width={box.w} height={box.h} rx={5} />
      <text className="zone-t" x={box.x + 9} y={box.y + NAME_Y}>
        {fitted(name, ZONE_PX, box.w - 18 - (flat ? 34 : 0))}
      </text>
      {limits && widthOf(name, ZONE_PX) + widthOf(limits, ZONE_PX) < box.w - 30 && (
        <text className="zone-k" x={box.x + box.w - 9} y={box.y + NAME_Y} textAnchor="end">
          {limits}
        </text>
      )}
      {lone && (
        <text
          className="zone-n"
          x={flat ? box.x + box.w - 9 : box.x + 9}
          y={box.y + (flat ? NAME_Y + 2 : kiosk ? 50 : 38)}
          textAnchor={flat ? 'end' : 'start'}
        >
          {num(sum.units)}
        </text>
      )}
      {bays.map((b) => {
        const at = stock.place(b.code) as Location;
        const p = stock.places[stock.locations.indexOf(at)];
        return (
          <Bay
            key={b.code}
            {...b}
            name={shortCode(b.code, box.code)}
            label={bayLabel(at, p, lang)}
            mark={placePriority(p)}
            shade={shade(p)}
            units={p.units}
            fill={fillOf(p)}
            selected={within === b.code}
            mode={mode}
          />
        );
      })}
    </g>
  );
}

export function useDoors() {
  const site = useScope();
  return useQuery({
    queryKey: ['doors', site],
    enabled: site !== null,
    queryFn: () => get<List<Door>>(scoped('/doors', site)),
  });
}

function DoorBox({ box }: { box: Box }) {
  const { lang } = useT();
  const navigate = useNavigate();
  const door = useDoors().data?.items.find((d) => d.id === box.code);
  const name = named(stock.doors.find((d) => d.id === box.code)?.name, box.code, lang);
  const today = door ? `${t('map.in')} ${num(door.today.in_tags)}  ${t('map.out')} ${num(door.today.out_tags)}` : '–';
  const go = () => void navigate(`/docks/${encodeURIComponent(box.code)}`);
  const count = door?.open_pass ? `${t(`door.state.passing`)} ${num(door.open_pass.tags)}` : today;
  const onOne = widthOf(name, ZONE_PX) + widthOf(count, ZONE_PX) < box.w - 30;
  const y = box.y + box.h / 2 + 4;
  return (
    <g
      className={`doorbox ${door?.state ?? ''}`}
      role="link"
      tabIndex={0}
      aria-label={`${name}: ${today}`}
      onClick={go}
      onKeyDown={(e) => e.key === 'Enter' && go()}
    >
      <rect x={box.x} y={box.y} width={box.w} height={box.h} rx={4} />
      <text x={box.x + 10} y={onOne ? y : y - 8}>
        {fitted(name, ZONE_PX, box.w - 20)}
      </text>
      <text
        className="doorbox-n"
        x={onOne ? box.x + box.w - 10 : box.x + 10}
        y={onOne ? y : y + 8}
        textAnchor={onOne ? 'end' : 'start'}
      >
        {count}
      </text>
    </g>
  );
}
