import type { Location } from '../api/types';

/** The floor plan as rectangles in pixels: a schematic, stretched to its panel, in which text is never stretched. */
export type Box = { code: string; x: number; y: number; w: number; h: number };
export type FloorPlan = { zones: Box[]; bays: Map<string, Box[]>; others: Box[]; doors: Box[] };

const PAD = 8;
const DOOR_H = 40;
const isZone = (l: Location) => l.kind === 'zone' || l.kind === 'cold_room';
const drawn = (l: Location) => l.w > 0 && l.h > 0;

type Rect = { x: number; y: number; w: number; h: number };
function bounds(list: Rect[]): Rect {
  const x = Math.min(...list.map((l) => l.x));
  const y = Math.min(...list.map((l) => l.y));
  return { x, y, w: Math.max(...list.map((l) => l.x + l.w)) - x, h: Math.max(...list.map((l) => l.y + l.h)) - y };
}
const into = (l: Rect & { code: string }, from: Rect, to: Rect): Box => ({
  code: l.code,
  x: to.x + ((l.x - from.x) / (from.w || 1)) * to.w,
  y: to.y + ((l.y - from.y) / (from.h || 1)) * to.h,
  w: (l.w / (from.w || 1)) * to.w,
  h: (l.h / (from.h || 1)) * to.h,
});
const shrink = (b: Box, gap: number): Box => ({
  ...b,
  x: b.x + gap,
  y: b.y + gap,
  w: Math.max(4, b.w - 2 * gap),
  h: Math.max(4, b.h - 2 * gap),
});

/** Places without a drawing stand in a plain grid, so that nothing is hidden for want of a plan. */
function placed<T extends Location>(
  list: T[],
  columns: number,
  fallback: { w: number; h: number },
): (Rect & { code: string })[] {
  if (list.every(drawn)) return list;
  return list.map((l, i) => ({
    code: l.code,
    x: (i % columns) * fallback.w,
    y: Math.floor(i / columns) * fallback.h,
    w: fallback.w,
    h: fallback.h,
  }));
}

/** head: the room for a zone's name above its bays. */
export function layOut(locations: Location[], doors: string[], width: number, height: number, head = 24): FloorPlan {
  const zones = locations.filter(isZone);
  const others = locations.filter((l) => (l.kind === 'dock' || l.kind === 'table') && drawn(l));
  const planH = height - (doors.length ? DOOR_H + PAD : 0);
  const areas = placed([...zones, ...(zones.every(drawn) ? others : [])], 3, { w: 40, h: 30 });
  const plan: FloorPlan = { zones: [], bays: new Map(), others: [], doors: [] };
  if (areas.length) {
    const from = bounds(areas);
    const boxes = areas.map((a) => shrink(into(a, from, { x: 0, y: 0, w: width, h: planH }), PAD / 2));
    plan.zones = boxes.slice(0, zones.length);
    plan.others = boxes.slice(zones.length);
  }
  for (const zone of plan.zones) plan.bays.set(zone.code, bayBoxes(locations, zone, head));
  const dw = width / Math.max(1, doors.length);
  plan.doors = doors.map((code, i) => shrink({ code, x: i * dw, y: planH + PAD / 2, w: dw, h: DOOR_H }, PAD / 2));
  return plan;
}

function bayBoxes(locations: Location[], zone: Box, head: number): Box[] {
  const bays = locations.filter((l) => l.kind === 'bay' && l.parent === zone.code);
  if (!bays.length) return [];
  const rects = placed(bays, Math.ceil(Math.sqrt(bays.length)), { w: 10, h: 10 });
  const inner = { x: zone.x + PAD, y: zone.y + head, w: zone.w - 2 * PAD, h: Math.max(8, zone.h - head - PAD) };
  return rects.map((r) => shrink(into(r, bounds(rects), inner), 1.5));
}
