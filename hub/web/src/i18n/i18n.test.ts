import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import en from './en.json';
import { age, setLang, t } from './i18n';
import zh from './zh-CN.json';

const holes = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
const sources = (dir: string): string =>
  readdirSync(dir, { withFileTypes: true })
    .map((e) =>
      e.isDirectory()
        ? sources(join(dir, e.name))
        : /\.tsx?$/.test(e.name) && !/test/.test(e.name)
          ? readFileSync(join(dir, e.name), 'utf8')
          : '',
    )
    .join('\n');
/** Families that are asked for by a code from outside. */
const BY_CODE =
  /^(err\.code|role|kind|state|step|quantity|alarm\.(reason|state|action|class|tab|p\d)|plan\.(class|method|state|basis)|door\.(state|way)|status|kpi|live|map\.mode)\./;

describe('catalogues', () => {
  it('have the same keys', () => expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort()));
  it.each(Object.keys(en))('%s has the same holes in both languages', (key) => {
    const k = key as keyof typeof en;
    expect(holes(zh[k])).toEqual(holes(en[k]));
    expect(zh[k]).not.toBe('');
  });
  it('hold nothing that is not used', () => {
    const code = sources('src');
    const unused = Object.keys(en)
      .map((k) => k.replace(/_(one|other)$/, ''))
      .filter((k) => !BY_CODE.test(k) && !code.includes(`'${k}'`) && !/^alarm\.p\d$/.test(k));
    expect(unused).toEqual([]);
  });
});

describe('messages', () => {
  afterEach(() => setLang('en', false));
  it('choose the plural and format numbers', async () => {
    globalThis.document ??= { documentElement: {} } as Document;
    await setLang('en', false);
    expect(t('alarm.unacked', { count: 1 })).toBe('1 unacknowledged');
    expect(t('map.units', { count: 1 })).toBe('1 unit');
    expect(t('map.units', { count: 12_345 })).toBe('12,345 units');
    await setLang('zh-CN', false);
    expect(t('map.units', { count: 1 })).toBe('1 件');
  });
  it('tell an age in its largest sensible unit', async () => {
    globalThis.document ??= { documentElement: {} } as Document;
    await setLang('en', false);
    expect([4_000, 125_000, 3_900_000, 93_600_000].map(age)).toEqual(['4 s', '2 min', '1 h 5 min', '1 d 2 h']);
  });
});
