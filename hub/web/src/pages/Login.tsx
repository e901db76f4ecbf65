import { useEffect, useState } from 'react';
import { Navigate, useLocation } from 'react-router';
import { ApiError } from '../api/client';
import type { Provider } from '../api/types';
import { useTitle } from '../core/hooks';
import { provider, signIn, useWho } from '../core/session';
import { t, useT } from '../i18n/i18n';
import { LanguageMenu, ThemeButton } from '../shell/Controls';
import { Logo } from '../shell/Logo';
import { errorText } from '../ui/bits';
import { FirstSteps } from '../ui/FirstSteps';

/** Only a path of this console may be gone back to. */
export const safeNext = (next: string | null) =>
  next && /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : '/shelves';

export default function Login() {
  useT();
  useTitle(t('login.title'));
  const who = useWho();
  const loc = useLocation();
  const query = new URLSearchParams(loc.search);
  const refused = query.get('error');
  const [error, setError] = useState<unknown>(refused ? new ApiError(401, { code: refused }) : null);
  const [busy, setBusy] = useState(false);
  const [needsCode, setNeedsCode] = useState(false);
  const [elsewhere, setElsewhere] = useState<Provider | null>(null);
  useEffect(() => {
    provider().then(setElsewhere, () => {}); // without an answer there is no button
  }, []);
  const next = safeNext(query.get('next'));
  if (who.state === 'in' && who.session.must !== '') return <FirstSteps must={who.session.must} />;
  if (who.state === 'in') return <Navigate to={next} replace />;
  const submit = async (e: React.FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await signIn(
        String(form.get('user')).trim(),
        String(form.get('password')),
        String(form.get('code') ?? '').trim(),
      );
    } catch (failure) {
      setNeedsCode((before) => before || (failure instanceof ApiError && failure.code === 'totp_required'));
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="login">
      <form className="panel" onSubmit={(e) => void submit(e)} aria-labelledby="login-title">
        <div className="loginhead">
          <Logo size={36} />
          <div>
            <h1 id="login-title">Tallydock</h1>
            <p>{t('login.sub')}</p>
          </div>
        </div>
        <label>
          {t('login.user')}
          {/* biome-ignore lint/a11y/noAutofocus: the page has one purpose */}
          <input className="input" name="user" autoComplete="username" required autoFocus />
        </label>
        <label>
          {t('login.password')}
          <input className="input" name="password" type="password" autoComplete="current-password" required />
        </label>
        {needsCode && (
          <label>
            {t('login.code')}
            <input className="input" name="code" autoComplete="one-time-code" placeholder={t('login.codeHint')} />
          </label>
        )}
        {error !== null && (
          <p className="formerror" role="alert">
            {errorText(error)}
          </p>
        )}
        <button type="submit" className="btn pri" disabled={busy} aria-busy={busy}>
          {t('login.submit')}
        </button>
        {elsewhere?.enabled && (
          <a className="btn" href={`/api/v1/oidc/start?next=${encodeURIComponent(next)}`}>
            {t('login.provider', { label: elsewhere.label })}
          </a>
        )}
        <div className="loginfoot">
          <ThemeButton />
          <LanguageMenu />
        </div>
      </form>
    </main>
  );
}
