/** A dock with its door, in the colour of the controls. */
export const Logo = ({ size = 24 }: { size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="7" fill="var(--accent)" />
    <path d="M6 13 16 7l10 6v12H6z" fill="none" stroke="var(--accent-ink)" strokeWidth="2.2" />
    <path d="M11 25v-8h10v8M11 21h10" fill="none" stroke="var(--accent-ink)" strokeWidth="2.2" />
  </svg>
);
