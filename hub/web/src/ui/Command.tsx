import type { ReactNode } from 'react';
import { useOnline } from '../core/hooks';
import { type Needs, useMay } from '../core/session';
import { t, tCode, useT } from '../i18n/i18n';

/** Why a command cannot be given now, or '' when it can. */
export function useBarrier(role: Needs): string {
  useT();
  const may = useMay(role);
  const online = useOnline();
  if (!may) return t('cmd.needsRole', { role: tCode('role', role) });
  return online ? '' : t('cmd.offline');
}

type Props = {
  needs: Needs;
  onClick: () => void;
  children: ReactNode;
  busy?: boolean;
  disabled?: boolean;
  primary?: boolean;
  label?: string;
};
/** A button that acts on the warehouse: disabled, with the reason, for those who may not and while the hub is out of reach. */
export function Command({ needs, onClick, children, busy, disabled, primary, label }: Props) {
  const barrier = useBarrier(needs);
  return (
    <button
      type="button"
      className={primary ? 'btn pri' : 'btn'}
      disabled={!!barrier || busy || disabled}
      title={barrier || undefined}
      aria-label={label}
      aria-busy={busy || undefined}
      onClick={(e) => {
        e.stopPropagation();
        onClick();
      }}
    >
      {children}
    </button>
  );
}
