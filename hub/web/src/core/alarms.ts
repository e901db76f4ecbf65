import type { Alarm, Priority } from '../api/types';
import { Signal } from './signal';

/** The states of the main list (ISA-18.2): somebody still owes them an answer or a cure. */
export const isActive = (a: Alarm) => ['unacked', 'acked', 'rtn_unacked', 'latched'].includes(a.state);
export const needsAck = (a: Alarm) => a.state === 'unacked' || a.state === 'rtn_unacked';
/** A fault of a device or a value, kept in a lane of its own so that it hides no process alarm. */
export const isQuality = (a: Alarm) => a.priority === 9;

/** Unacknowledged first, then by priority, then the newest. */
export function byUrgency(a: Alarm, b: Alarm): number {
  return (
    Number(needsAck(b)) - Number(needsAck(a)) ||
    a.priority - b.priority ||
    Date.parse(b.raised_at) - Date.parse(a.raised_at) ||
    (a.id < b.id ? -1 : 1)
  );
}

export type Counts = Record<Priority, { active: number; unacked: number }>;
export function countAlarms(alarms: Iterable<Alarm>): Counts {
  const none = () => ({ active: 0, unacked: 0 });
  const counts: Counts = { 1: none(), 2: none(), 3: none(), 9: none() };
  for (const a of alarms) {
    const c = counts[a.priority] ?? counts[3];
    if (isActive(a)) c.active++;
    if (needsAck(a)) c.unacked++;
  }
  return counts;
}

/** Places whose goods are out of their temperature now. */
export const hotPlaces = (alarms: Iterable<Alarm>): string[] =>
  [...alarms]
    .filter((a) => a.class === 'cold_chain' && (a.reason === 'high' || a.reason === 'low'))
    .filter((a) => a.state === 'unacked' || a.state === 'acked')
    .map((a) => a.location);

/** The alarms that matter now, by id; replaced whole at each change, so that React can compare. */
export class AlarmStore {
  readonly all = new Signal<ReadonlyMap<string, Alarm>>(new Map());
  readonly loaded = new Signal(false);

  load(list: Alarm[]) {
    this.all.set(new Map(list.map((a) => [a.id, a])));
    this.loaded.set(true);
  }
  clear() {
    this.all.set(new Map());
    this.loaded.set(false);
  }
  /** Takes an alarm's new state unless it is older than what is held. */
  put(a: Alarm) {
    const held = this.all.get().get(a.id);
    if (held && Date.parse(held.updated_at) > Date.parse(a.updated_at)) return;
    const next = new Map(this.all.get());
    if (isActive(a) || a.state === 'shelved') next.set(a.id, a);
    else next.delete(a.id);
    this.all.set(next);
  }
  /** Takes the answer to a command. The edge's event may have come before it and ended the alarm; then it is stale. */
  answered(a: Alarm) {
    if (this.all.get().has(a.id)) this.put(a);
  }
}
