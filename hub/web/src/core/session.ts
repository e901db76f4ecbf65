import { answer, get, onSessionExpired, send, setCsrf } from '../api/client';
import type { Enrolment, Provider, Session } from '../api/types';
import { Signal, useSignal } from './signal';

/** Who is at this browser: not known yet, nobody, or a user. */
export type Who = { state: 'unknown' | 'out'; error?: unknown } | { state: 'in'; session: Session };

export const who = new Signal<Who>({ state: 'unknown' });
export const useWho = () => useSignal(who);

/** What the buttons of this console take, under the name of the role that has it. */
export type Needs = 'operator' | 'planner';
const NEEDS: Record<Needs, string> = { operator: 'alarm:answer', planner: 'plan:approve' };
export const mayAct = (w: Who, needs: Needs) => w.state === 'in' && w.session.permissions.includes(NEEDS[needs]);
export const useMay = (needs: Needs) => mayAct(useWho(), needs);

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

export async function signIn(user: string, password: string, code: string) {
  enter(await send<Session>('POST', '/session', { user, password, code: code || undefined }, true));
}

export const provider = () => get<Provider>('/oidc');

/** What a session may have to set first: a password of the user's own, an authenticator. */
export async function changePassword(old: string, fresh: string) {
  enter(await send<Session>('POST', '/account/password', { old, new: fresh }, true));
}
export const beginFactor = () => send<Enrolment>('POST', '/account/totp', {}, true);
export const confirmFactor = (code: string) =>
  send<{ codes: string[] }>('POST', '/account/totp/confirm', { code }, true);

export async function signOut() {
  await send('DELETE', '/session', undefined, true).catch(() => {}); // the local end of it must not wait for the hub
  setCsrf('');
  who.set({ state: 'out' });
}
