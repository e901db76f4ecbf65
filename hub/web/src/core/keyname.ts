/** By place, not by character: a Chinese input method or another layout must not switch the shortcuts off. */
export function keyName(e: Pick<KeyboardEvent, 'key' | 'code'>): string {
  if (e.key === '?') return '?';
  if (e.code === 'Slash') return '/';
  return e.code.startsWith('Key') ? e.code.slice(3).toLowerCase() : e.key.toLowerCase();
}
