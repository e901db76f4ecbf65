import { Link } from 'react-router';
import { useTitle } from '../core/hooks';
import { t, useT } from '../i18n/i18n';
import { NAV } from '../shell/nav';

export default function NotFound() {
  useT();
  useTitle(t('notFound.title'));
  return (
    <div className="page">
      <div className="panel lone">
        <h1>{t('notFound.title')}</h1>
        <p>{t('notFound.hint')}</p>
        <p className="linkrow">
          {NAV.map(({ to, key }) => (
            <Link key={to} className="btn" to={to}>
              {t(key)}
            </Link>
          ))}
        </p>
      </div>
    </div>
  );
}
