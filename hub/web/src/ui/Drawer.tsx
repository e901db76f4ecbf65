import { IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { t } from '../i18n/i18n';

type Props = {
  title: ReactNode;
  label: string;
  onClose: () => void;
  children: ReactNode;
  testid?: string;
  focus?: boolean;
};
/** A detail docked inside its panel, so that it never covers alarms; a sheet from below on phones. */
export function Drawer({ title, label, onClose, children, testid, focus = true }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const wanted = useRef(focus);
  useEffect(() => {
    if (!wanted.current) return;
    const opener = document.activeElement as HTMLElement | null;
    ref.current?.focus();
    return () => opener?.focus?.();
  }, []);
  return (
    <div
      className="drawer"
      role="dialog"
      aria-label={label}
      tabIndex={-1}
      ref={ref}
      data-testid={testid}
      onKeyDown={(e) => e.key === 'Escape' && onClose()}
    >
      <div className="phead">
        <h2>{title}</h2>
        <span className="grow" />
        <button type="button" className="btn quiet ic" aria-label={t('close')} onClick={onClose}>
          <IconX size={16} />
        </button>
      </div>
      {children}
    </div>
  );
}
