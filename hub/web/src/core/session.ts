import { answer, onSessionExpired, send, setCsrf } from '../api/client';
import type { Role, Session } from '../api/types';
import { Signal, useSignal } from './signal';

/** Who is at this browser: not known yet, nobody, or a user. */
export type Who = { state: 'unknown' | 'out'; error?: unknown } | { state: 'in'; session: Session };

export const who = new Signal<Who>({ state: 'unknown' });
export const useWho = () => useSignal(who);

const RANK: Record<Role, number> = { viewer: 0, operator: 1, planner: 2, admin: 3 };
export const mayAct = (w: Who, role: Role) => w.state === 'in' && RANK[w.session.role] >= RANK[role];
export const useMay = (role: Role) => mayAct(useWho(), role);

onSessionExpired(() => who.set({ state: 'out' }));

function enter(session: Session) {
  setCsrf(session.csrf);
  who.set({ state: 'in', session });
}

/** Asks the hub who this is; sent: a request that is already under way. */
export async function resume(sent?: Promise<Response>) {
  try {
    enter(await answer<Session>(sent ?? fetch('/api/v1/session'), true));
  } catch (error) {
    who.set({ state: 'out', error });
  }
}

export async function signIn(user: string, password: string) {
  enter(await send<Session>('POST', '/session', { user, password }, true));
}

export async function signOut() {
  await send('DELETE', '/session', undefined, true).catch(() => {}); // the local end of it must not wait for the hub
  setCsrf('');
  who.set({ state: 'out' });
}
