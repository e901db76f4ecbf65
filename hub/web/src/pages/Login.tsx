import { useState } from 'react';
import { Navigate, useLocation } from 'react-router';
import { useTitle } from '../core/hooks';
import { signIn, useWho } from '../core/session';
import { t, useT } from '../i18n/i18n';
import { LanguageMenu, ThemeButton } from '../shell/Controls';
import { Logo } from '../shell/Logo';
import { errorText } from '../ui/bits';

/** Only a path of this console may be gone back to. */
export const safeNext = (next: string | null) =>
  next && /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : '/shelves';

export default function Login() {
  useT();
  useTitle(t('login.title'));
  const who = useWho();
  const loc = useLocation();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  if (who.state === 'in') return <Navigate to={safeNext(new URLSearchParams(loc.search).get('next'))} replace />;
  const submit = async (e: React.FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await signIn(String(form.get('user')).trim(), String(form.get('password')));
    } catch (failure) {
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
        {error !== null && (
          <p className="formerror" role="alert">
            {errorText(error)}
          </p>
        )}
        <button type="submit" className="btn pri" disabled={busy} aria-busy={busy}>
          {t('login.submit')}
        </button>
        <div className="loginfoot">
          <ThemeButton />
          <LanguageMenu />
        </div>
      </form>
    </main>
  );
}
