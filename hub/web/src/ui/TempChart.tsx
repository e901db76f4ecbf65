import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { get } from '../api/client';
import type { SampleUpdate, Sensor } from '../api/types';
import { samples, stock } from '../core/app';
import { clock } from '../core/clock';
import { useNow, useStockLoad } from '../core/hooks';
import { named } from '../core/names';
import { addSamples, latest, outside, type Trace, withGaps } from '../core/series';
import { scoped, useScope } from '../core/site';
import { hourMinute, t, useT } from '../i18n/i18n';
import { measured } from './alarmText';
import { Empty, Failure, Glyph, Panel, Skeleton } from './bits';
import { type Drawing, type Ink, Plot } from './Plot';

const WINDOW_MS = 4 * 3600_000;
/** More lines than these nobody tells apart. */
const MOST_TRACES = 24;
const STROKES = ['--s2', '--s1', '--s3'];
const DASHES: number[][] = [[], [7, 3], [2, 3]];

type Limits = { low: number; high: number };
/** Grey inside the limits, alarm colour outside: a vertical gradient with hard stops. */
const limitStroke = (normal: string, alarm: string, limits: Limits) => (u: uPlot) => {
  const { top, height } = u.bbox;
  const { min, max } = u.scales.y;
  if (min == null || max == null || !height) return normal;
  const gradient = u.ctx.createLinearGradient(0, top + height, 0, top);
  const stop = (v: number) => Math.max(0, Math.min(1, (v - min) / (max - min)));
  const stops: [number, string][] = [
    [0, alarm],
    [stop(limits.low), alarm],
    [stop(limits.low), normal],
    [stop(limits.high), normal],
    [stop(limits.high), alarm],
    [1, alarm],
  ];
  for (const [at, colour] of stops) gradient.addColorStop(at, colour);
  return gradient;
};

const drawLimits = (ink: Ink, limits: Limits) => (u: uPlot) => {
  const { ctx, bbox } = u;
  const y = (v: number) => u.valToPos(v, 'y', true);
  ctx.save();
  ctx.fillStyle = ink.of('--p1');
  ctx.globalAlpha = 0.07;
  ctx.fillRect(bbox.left, bbox.top, bbox.width, Math.max(0, y(limits.high) - bbox.top));
  ctx.fillRect(bbox.left, y(limits.low), bbox.width, Math.max(0, bbox.top + bbox.height - y(limits.low)));
  ctx.globalAlpha = 0.9;
  ctx.strokeStyle = ink.of('--p1-ink');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const v of [limits.low, limits.high]) {
    ctx.beginPath();
    ctx.moveTo(bbox.left, y(v));
    ctx.lineTo(bbox.left + bbox.width, y(v));
    ctx.stroke();
  }
  ctx.restore();
};

function chartOptions(count: number, limits: Limits | null) {
  return (ink: Ink): Omit<uPlot.Options, 'width' | 'height'> => {
    const axis = { stroke: ink.of('--chart-axis'), font: ink.font };
    const range = (_: uPlot, lo: number | null, hi: number | null): [number, number] => {
      const floor = limits ? limits.low - 1 : Number.POSITIVE_INFINITY;
      const ceiling = limits ? limits.high + 1.5 : Number.NEGATIVE_INFINITY;
      return [Math.min(floor, Math.floor(lo ?? 0)), Math.max(ceiling, Math.ceil(hi ?? 10))];
    };
    const line = (i: number): uPlot.Series => {
      const colour = ink.of(STROKES[i % STROKES.length]);
      const stroke = limits ? limitStroke(colour, ink.of('--p1'), limits) : colour;
      return {
        stroke,
        width: i === 0 ? 1.8 : 1.4,
        dash: DASHES[i % DASHES.length],
        points: { show: false },
        spanGaps: false,
      };
    };
    return {
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      scales: { x: { range: () => [(clock.now() - WINDOW_MS) / 1000, clock.now() / 1000] }, y: { range } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          ticks: { stroke: ink.of('--chart-grid'), size: 4 },
          size: ink.wall ? 34 : 26,
          values: (_, s) => s.map((v) => hourMinute(v * 1000)),
        },
        {
          ...axis,
          grid: { stroke: ink.of('--chart-grid'), width: 1 },
          ticks: { show: false },
          size: ink.wall ? 52 : 42,
          values: (_, s) => s.map((v) => `${v}°`),
        },
      ],
      series: [{}, ...Array.from({ length: count }, (_, i) => line(i))],
      hooks: limits ? { drawClear: [drawLimits(ink, limits)] } : {},
    };
  };
}

/** Temperatures of the last hours, then live; the window moves with the warehouse's time even when nothing arrives. */
function useTraces() {
  const site = useScope();
  const query = useQuery({
    queryKey: ['series', 'temperature', site],
    enabled: site !== null,
    queryFn: async () => {
      const to = clock.now();
      const span = new URLSearchParams({
        from: new Date(to - WINDOW_MS).toISOString(),
        to: new Date(to).toISOString(),
        quantity: 'temperature',
        limit: String(MOST_TRACES),
      });
      return (await get<{ sensors: Sensor[] }>(scoped(`/series?${span}`, site))).sensors;
    },
  });
  const [traces, setTraces] = useState<Trace[] | null>(null);
  useEffect(() => setTraces(query.data ?? null), [query.data]);
  useEffect(() => {
    const take = (batch: SampleUpdate[]) => setTraces((old) => old && addSamples(old, batch, clock.now() - WINDOW_MS));
    samples.add(take);
    return () => {
      samples.delete(take);
    };
  }, []);
  return { traces, query };
}

const limitsOf = (traces: Trace[]): Limits | null => {
  const place = stock.place(traces[0]?.location ?? '');
  const low = traces[0]?.low ?? place?.temp_low ?? null;
  const high = traces[0]?.high ?? place?.temp_high ?? null;
  return low === null || high === null ? null : { low, high };
};

export function TempPanel() {
  const { lang } = useT();
  useStockLoad();
  const { traces, query } = useTraces();
  const room = stock.locations.find((l) => l.kind === 'cold_room');
  const place = stock.place(traces?.[0]?.location ?? '') ?? room;
  const title = place ? named(place.name, place.code, lang) : t('temp.title');
  const limits = traces?.length ? limitsOf(traces) : null;
  const sub = limits ? t('temp.sub', { low: limits.low, high: limits.high }) : undefined;
  return (
    <Panel name="temp" title={title} sub={sub}>
      {query.isError ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : traces === null ? (
        <Skeleton rows={3} />
      ) : traces.length === 0 ? (
        <Empty title={t('temp.empty')} hint={t('temp.emptyHint')} />
      ) : (
        <Chart traces={traces} low={limits?.low ?? null} high={limits?.high ?? null} />
      )}
    </Panel>
  );
}

function Chart({ traces, low, high }: { traces: Trace[]; low: number | null; high: number | null }) {
  useT();
  useNow(5000); // the window moves on
  const count = traces.length;
  const options = useMemo(
    () => chartOptions(count, low === null || high === null ? null : { low, high }),
    [count, low, high],
  );
  // 2 = a gap goes on over the moments that only other sensors have
  const data = useMemo(
    () =>
      uPlot.join(
        traces.map((tr) => withGaps(tr.points) as uPlot.AlignedData),
        traces.map(() => [1, 2]),
      ),
    [traces],
  );
  const plot = useRef<uPlot | null>(null);
  const onPlot = useCallback((u: uPlot | null) => {
    plot.current = u;
  }, []);
  useEffect(() => {
    const timer = setInterval(() => plot.current?.setData(plot.current.data), 5000);
    return () => clearInterval(timer);
  }, []);
  const drawing: Drawing = { options, data };
  const said = traces.map((tr) => `${tr.device} ${measured(latest(tr), tr.unit)}`).join(', ');
  return (
    <>
      <Plot drawing={drawing} label={t('temp.chart', { said })} testid="tempchart" onPlot={onPlot} />
      <div className="chartlegend">
        {traces.map((tr, i) => (
          <span key={tr.id}>
            <i
              style={{ borderColor: `var(${STROKES[i % STROKES.length]})`, borderTopStyle: i % 3 ? 'dashed' : 'solid' }}
            />
            {tr.device} <b className={outside(tr, latest(tr)) ? 'bad' : undefined}>{measured(latest(tr), tr.unit)}</b>
            {outside(tr, latest(tr)) && <Glyph p={1} label={t('status.overtemp')} />}
            {latest(tr) === null && <Glyph p={9} label={t('temp.gap')} />}
          </span>
        ))}
      </div>
    </>
  );
}
