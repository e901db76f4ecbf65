import './styles/fonts.css';
import '@mantine/core/styles/baseline.css';
import '@mantine/core/styles/default-css-variables.css';
import '@mantine/core/styles/global.css';
import '@mantine/core/styles/UnstyledButton.css';
import '@mantine/core/styles/Popover.css';
import '@mantine/core/styles/Menu.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/shelves.css';
import './styles/lists.css';
import './styles/screens.css';
import {
  createTheme,
  type MantineColorScheme,
  type MantineColorSchemeManager,
  type MantineColorsTuple,
  MantineProvider,
} from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { lazy } from 'react';
import { createRoot } from 'react-dom/client';
import { createBrowserRouter, Navigate, RouterProvider } from 'react-router';
import { boot, queries, startApp } from './core/app';
import { remember, setLang } from './i18n/i18n';
import Login from './pages/Login';
import Shell from './shell/Shell';

const petrol: MantineColorsTuple = [
  '#e8f3f4',
  '#d3e5e7',
  '#a5cacf',
  '#74aeb6',
  '#4f96a0',
  '#378793',
  '#28808c',
  '#17606b',
  '#0f5560',
  '#024a54',
];
const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 7, dark: 4 },
  colors: { petrol },
  fontFamily: 'var(--font)',
  defaultRadius: 6,
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontSizes: { xs: '11px', sm: '13px', md: '14px', lg: '16px', xl: '18px' },
});

const root = document.documentElement;
const started = (root.getAttribute('data-mantine-color-scheme') ?? 'light') as MantineColorScheme; // set by boot.js
const schemes: MantineColorSchemeManager = {
  get: () => started,
  set: (value) => remember('theme', value),
  clear: () => {},
  subscribe: () => {},
  unsubscribe: () => {},
};

const pages = {
  '/shelves': () => import('./pages/Shelves'),
  '/docks': () => import('./pages/Docks'),
  '/docks/:door': () => import('./pages/Door'),
  '/alarms': () => import('./pages/Alarms'),
  '/replenishment': () => import('./pages/Replenishment'),
  '*': () => import('./pages/NotFound'),
};
// Ask for the page's chunk now: a lazy route would wait for the first render.
const first = Object.entries(pages).find(([path]) => path === location.pathname);
if (first) void first[1]();

const router = createBrowserRouter([
  { path: '/login', element: <Login /> },
  {
    element: <Shell />,
    children: [
      { path: '/', element: <Navigate to="/shelves" replace /> },
      ...Object.entries(pages).map(([path, load]) => {
        const Page = lazy<React.ComponentType>(load);
        return { path, element: <Page /> };
      }),
    ],
  },
]);

startApp();
void boot();
void setLang(root.lang === 'zh-CN' ? 'zh-CN' : 'en', false).then(() => {
  createRoot(document.getElementById('root') as HTMLElement).render(
    <MantineProvider theme={theme} defaultColorScheme={started} colorSchemeManager={schemes}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
});
