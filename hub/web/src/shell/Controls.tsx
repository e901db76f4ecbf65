import { Menu, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconKeyboard, IconLanguage, IconLogout, IconMoon, IconSun, IconUser } from '@tabler/icons-react';
import { signOut, useWho } from '../core/session';
import { setLang, t, tCode, useT } from '../i18n/i18n';

export function useTheme() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  return { scheme, toggle: () => setColorScheme(scheme === 'dark' ? 'light' : 'dark') };
}

export function LanguageMenu() {
  useT();
  return (
    <Menu position="bottom-end" width={150}>
      <Menu.Target>
        <button type="button" className="btn quiet ic" aria-label={t('top.language')} title={t('top.language')}>
          <IconLanguage size={18} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item lang="en" onClick={() => void setLang('en')}>
          English
        </Menu.Item>
        <Menu.Item lang="zh-CN" onClick={() => void setLang('zh-CN')}>
          简体中文
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function ThemeButton() {
  useT();
  const { scheme, toggle } = useTheme();
  const label = scheme === 'dark' ? t('top.light') : t('top.dark');
  return (
    <button type="button" className="btn quiet ic" aria-label={label} title={`${label} (T)`} onClick={toggle}>
      {scheme === 'dark' ? <IconSun size={18} /> : <IconMoon size={18} />}
    </button>
  );
}

function UserMenu() {
  const who = useWho();
  if (who.state !== 'in') return null;
  const { user, role } = who.session;
  return (
    <Menu position="bottom-end" width={190}>
      <Menu.Target>
        <button type="button" className="btn quiet user" aria-label={`${t('top.account')}: ${user}`}>
          <IconUser size={18} />
          <span className="hide-m">{user}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {user} · {tCode('role', role)}
        </Menu.Label>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
          {t('top.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function Controls({ onHelp }: { onHelp: () => void }) {
  return (
    <span className="controls">
      <ThemeButton />
      <LanguageMenu />
      <button
        type="button"
        className="btn quiet ic hide-s"
        aria-label={t('top.help')}
        title={`${t('top.help')} (?)`}
        onClick={onHelp}
      >
        <IconKeyboard size={18} />
      </button>
      <UserMenu />
    </span>
  );
}
