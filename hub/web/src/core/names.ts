import type { Text } from '../api/types';
import type { Lang } from '../i18n/i18n';

/** A thing's name in the reader's language, else in the other, else its id. */
export function named(name: Text | string | undefined, id: string, lang: Lang): string {
  if (typeof name === 'string') return name || id;
  if (!name) return id;
  return (lang === 'zh-CN' ? name.zh || name.en : name.en || name.zh) || id;
}
