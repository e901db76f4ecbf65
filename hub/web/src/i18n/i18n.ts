/** Typed messages over the JSON catalogues, numbers and times over Intl. A missing key fails the type check. */
import { Signal, useSignal } from '../core/signal';
import en from './en.json';

export type Lang = 'en' | 'zh-CN';
type Raw = keyof typeof en;
/** A plural is asked for by its stem. */
export type Key = Raw extends infer K
  ? K extends `${infer Stem}_one`
    ? Stem
    : K extends `${string}_other`
      ? never
      : K
  : never;
type Catalogue = Record<Raw, string>;
export type Params = Record<string, string | number>;

const load: Record<Lang, () => Promise<Catalogue>> = {
  en: async () => en,
  'zh-CN': async () => (await import('./zh-CN.json')).default,
};
const lang = new Signal<Lang>('en');
let catalogue: Record<string, string | undefined> = en;
let plural = new Intl.PluralRules('en');
const formats = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

export const getLang = lang.get;
export async function setLang(next: Lang, keep = true) {
  catalogue = await load[next]();
  plural = new Intl.PluralRules(next);
  formats.clear();
  document.documentElement.lang = next;
  if (keep) remember('lang', next);
  lang.set(next);
}
export function remember(key: string, value: string) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // storage is refused in some private windows: the choice then lasts as long as the page
  }
}

/** A user's own language, where this browser has not been told another. */
export function preferLang(language: string) {
  const told = new URLSearchParams(location.search).has('lang') || recall('lang') !== null;
  if (!told && (language === 'en' || language === 'zh-CN')) void setLang(language, false);
}
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function t(key: Key, params?: Params): string {
  let message = catalogue[key];
  if (message === undefined && params && 'count' in params)
    message = catalogue[`${key}_${plural.select(Number(params.count))}`] ?? catalogue[`${key}_other`];
  if (message === undefined) return key;
  if (!params) return message;
  return message.replace(/\{(\w+)\}/g, (_, name: string) => {
    const v = params[name];
    return typeof v === 'number' ? num(v) : (v ?? '');
  });
}
/** For codes that come from outside: the message if there is one, else the code as it is. */
export const tCode = (prefix: string, code: string): string => catalogue[`${prefix}.${code}`] ?? code;
export const hasKey = (key: string): key is Key => catalogue[key] !== undefined;

function format<F extends Intl.NumberFormat | Intl.DateTimeFormat>(key: string, make: () => F): F {
  const kept = formats.get(key) as F | undefined;
  if (kept) return kept;
  const made = make();
  formats.set(key, made);
  return made;
}
const digits = (d: number, min = d) =>
  format(
    `n${d}.${min}`,
    () => new Intl.NumberFormat(getLang(), { minimumFractionDigits: min, maximumFractionDigits: d }),
  );
const signedFormat = () => format('signed', () => new Intl.NumberFormat(getLang(), { signDisplay: 'exceptZero' }));

export const num = (v: number) => digits(3, 0).format(v);
export const dec = (v: number, d: number) => digits(d).format(v);
export const signed = (v: number) => signedFormat().format(v);
export const pct = (v: number) =>
  format('pct', () => new Intl.NumberFormat(getLang(), { style: 'percent', maximumFractionDigits: 0 })).format(v);

/** Times are shown in the browser's zone, 24 h. */
export const time = (ms: number) =>
  format(
    'time',
    () =>
      new Intl.DateTimeFormat(getLang(), { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }),
  ).format(ms);
export const hourMinute = (ms: number) =>
  format(
    'hm',
    () => new Intl.DateTimeFormat(getLang(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
  ).format(ms);
/** ISO date in the browser's zone. */
export const day = (ms: number) => format('day', () => new Intl.DateTimeFormat('sv-SE')).format(ms);
/** Time alone for today, with the day otherwise. */
export const when = (ms: number, now: number) =>
  day(ms) === day(now) ? time(ms) : `${day(ms).slice(5)} ${hourMinute(ms)}`;
export const at = (iso: string) => `${day(Date.parse(iso))} ${time(Date.parse(iso))}`;

/** An age in its largest sensible unit. */
export function age(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return t('age.s', { n: s });
  if (s < 3600) return t('age.m', { n: Math.floor(s / 60) });
  if (s < 86_400) return t('age.hm', { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
  return t('age.d', { n: Math.floor(s / 86_400), h: Math.floor((s % 86_400) / 3600) });
}

export function useT() {
  return { t, lang: useSignal(lang) };
}
