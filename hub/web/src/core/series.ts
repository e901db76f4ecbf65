import type { SampleUpdate, Sensor } from '../api/types';

/** A sensor's points within a window; a null value is a gap, and so is a silence much longer than the usual step. */
export type Trace = Sensor;

export function addSamples(traces: Trace[], batch: SampleUpdate[], from: number): Trace[] {
  const byId = new Map<string, [number, number | null][]>();
  for (const [id, ms, value] of batch) byId.set(id, [...(byId.get(id) ?? []), [ms, value]]);
  return traces.map((tr) => {
    const fresh = (byId.get(tr.id) ?? []).filter(([ms]) => ms > (tr.points.at(-1)?.[0] ?? 0));
    if (!fresh.length) return tr;
    return { ...tr, points: [...tr.points.filter(([ms]) => ms >= from), ...fresh] };
  });
}

/** The step between points that is usual, in ms: their median. */
export function usualStep(points: Trace['points']): number {
  const steps = points.slice(1).map(([ms], i) => ms - points[i][0]);
  return steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0;
}

/** Points as two columns in seconds, with a null wherever the sensor was silent for more than four usual steps. */
export function withGaps(points: Trace['points']): [number[], (number | null)[]] {
  const limit = usualStep(points) * 4;
  const xs: number[] = [];
  const ys: (number | null)[] = [];
  for (const [k, [ms, value]] of points.entries()) {
    const before = points[k - 1]?.[0];
    if (before !== undefined && limit > 0 && ms - before > limit) {
      xs.push((before + 1) / 1000);
      ys.push(null);
    }
    xs.push(ms / 1000);
    ys.push(value);
  }
  return [xs, ys];
}

export const latest = (tr: Trace) => tr.points.at(-1)?.[1] ?? null;
export const outside = (tr: Trace, v: number | null) =>
  v !== null && ((tr.high !== null && v > tr.high) || (tr.low !== null && v < tr.low));
