import { IconBell, IconDoor, IconLayoutGrid, IconRefresh } from '@tabler/icons-react';
import type { Key } from '../i18n/i18n';

/** The pages there are; each is reached by g and its letter. */
export const NAV: { key: Key; to: string; letter: string; Icon: typeof IconBell; group: Key }[] = [
  { key: 'nav.shelves', to: '/shelves', letter: 's', Icon: IconLayoutGrid, group: 'nav.operate' },
  { key: 'nav.docks', to: '/docks', letter: 'd', Icon: IconDoor, group: 'nav.operate' },
  { key: 'nav.alarms', to: '/alarms', letter: 'a', Icon: IconBell, group: 'nav.operate' },
  { key: 'nav.replenish', to: '/replenishment', letter: 'r', Icon: IconRefresh, group: 'nav.plan' },
];
