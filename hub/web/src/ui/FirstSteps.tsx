import { useState } from 'react';
import type { Enrolment } from '../api/types';
import { beginFactor, changePassword, confirmFactor, resume } from '../core/session';
import { t, useT } from '../i18n/i18n';
import { errorText } from './bits';

type Props = { must: 'password' | 'totp' };
/** What has to be set before anything else: a password of the user's own, or an authenticator. */
export function FirstSteps({ must }: Props) {
  useT();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [key, setKey] = useState<Enrolment | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const step = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? '');
    if (must === 'password') return changePassword(text('old'), text('fresh'));
    if (codes) return resume();
    if (key) return setCodes((await confirmFactor(text('code').trim())).codes);
    return setKey(await beginFactor());
  };
  const submit = async (e: React.FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await step(new FormData(e.currentTarget));
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="login">
      <form className="panel" onSubmit={(e) => void submit(e)} aria-labelledby="first-title">
        <h1 id="first-title">Tallydock</h1>
        {!codes && <p>{must === 'password' ? t('login.mustPassword') : t('login.mustTotp')}</p>}
        {must === 'password' && (
          <>
            <label>
              {t('login.password')}
              <input className="input" name="old" type="password" autoComplete="current-password" required />
            </label>
            <label>
              {t('login.newPassword')}
              <input
                className="input"
                name="fresh"
                type="password"
                autoComplete="new-password"
                minLength={10}
                required
              />
            </label>
          </>
        )}
        {key && !codes && (
          <>
            <a href={key.uri}>
              <code>{key.secret}</code>
            </a>
            <label>
              {t('login.code')}
              <input className="input" name="code" inputMode="numeric" autoComplete="one-time-code" required />
            </label>
          </>
        )}
        {codes && (
          <>
            <p>{t('login.recovery')}</p>
            <ul>
              {codes.map((c) => (
                <li key={c}>
                  <code>{c}</code>
                </li>
              ))}
            </ul>
          </>
        )}
        {error !== null && (
          <p className="formerror" role="alert">
            {errorText(error)}
          </p>
        )}
        <button type="submit" className="btn pri" disabled={busy} aria-busy={busy}>
          {must === 'totp' && !key ? t('login.begin') : t('login.set')}
        </button>
      </form>
    </main>
  );
}
