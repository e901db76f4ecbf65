import { useMemo } from 'react';
import type uPlot from 'uplot';
import type { Explain } from '../api/types';
import { day, dec, t, useT } from '../i18n/i18n';
import { type Ink, Plot } from './Plot';

const seconds = (iso: string) => Date.parse(`${iso.slice(0, 10)}T00:00:00Z`) / 1000;

/** History as bars and, after today, the forecast: never its middle without its interval. */
export function fanData(e: Explain): uPlot.AlignedData {
  const xs = [...e.demand.map((d) => seconds(d.day)), ...e.forecast.map((f) => seconds(f.day))];
  const blank = <T,>(list: T[]) => list.map(() => null);
  return [
    xs,
    [...e.demand.map((d) => d.quantity), ...blank(e.forecast)],
    [...blank(e.demand), ...e.forecast.map((f) => f.high)],
    [...blank(e.demand), ...e.forecast.map((f) => f.low)],
    [...blank(e.demand), ...e.forecast.map((f) => f.mean)],
  ];
}

function bars(ink: Ink) {
  return (u: uPlot, seriesIdx: number, from: number, to: number) => {
    const { ctx } = u;
    const [xs, ys] = [u.data[0], u.data[seriesIdx]];
    const width = Math.max(1, (u.valToPos(xs[1] ?? 0, 'x', true) - u.valToPos(xs[0] ?? 0, 'x', true)) * 0.62);
    const base = u.valToPos(0, 'y', true);
    ctx.save();
    ctx.fillStyle = ink.of('--s3');
    for (let i = from; i <= to; i++) {
      const v = ys[i];
      if (!v) continue;
      const y = u.valToPos(v, 'y', true);
      ctx.fillRect(u.valToPos(xs[i], 'x', true) - width / 2, y, width, base - y);
    }
    ctx.restore();
    return null;
  };
}

const fanOptions = (ink: Ink): Omit<uPlot.Options, 'width' | 'height'> => {
  const axis = { stroke: ink.of('--chart-axis'), font: ink.font };
  const edge = { stroke: ink.of('--s1'), width: 1, dash: [3, 3], points: { show: false } };
  return {
    tzDate: (ts) => new Date(ts * 1000),
    padding: [8, 10, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 5 } },
    scales: { y: { range: (_u, _lo, hi) => [0, Math.max(1, hi ?? 1) * 1.08] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        ticks: { stroke: ink.of('--chart-grid'), size: 4 },
        size: 26,
        values: (_, s) => s.map((v) => day(v * 1000).slice(5)),
      },
      { ...axis, grid: { stroke: ink.of('--chart-grid'), width: 1 }, ticks: { show: false }, size: 40 },
    ],
    bands: [{ series: [2, 3], fill: ink.of('--fan') }],
    series: [
      {},
      { paths: bars(ink), points: { show: false } },
      edge,
      edge,
      { stroke: ink.of('--s2'), width: 2, points: { show: false } },
    ],
  };
};

export function FanChart({ explain }: { explain: Explain }) {
  useT();
  const drawing = useMemo(() => ({ options: fanOptions, data: fanData(explain) }), [explain]);
  const week = explain.forecast.slice(0, 7);
  const sum = (f: (x: (typeof week)[number]) => number) =>
    dec(
      week.reduce((s, x) => s + f(x), 0),
      0,
    );
  const label = t('fan.label', { mean: sum((x) => x.mean), low: sum((x) => x.low), high: sum((x) => x.high) });
  return (
    <>
      <Plot drawing={drawing} label={label} testid="fanchart" />
      <div className="chartlegend">
        <span>
          <i className="swatch" style={{ background: 'var(--s3)' }} />
          {t('fan.history')}
        </span>
        <span>
          <i style={{ borderColor: 'var(--s2)' }} />
          {t('fan.mean')}
        </span>
        <span>
          <i className="swatch" style={{ background: 'var(--fan)' }} />
          {t('fan.band')}
        </span>
      </div>
    </>
  );
}
