// Runs before the first paint, as a file because the CSP forbids inline scripts: sets theme and language, and sends the
// first requests so that their answers travel while the modules are parsed.
((root, query) => {
  const kept = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is refused in some private windows
    }
  };
  let theme = query.get('theme') || kept('theme') || 'auto';
  if (theme === 'auto') theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  root.setAttribute('data-mantine-color-scheme', theme === 'dark' ? 'dark' : 'light');
  const lang = query.get('lang') || kept('lang') || navigator.language;
  root.lang = /^zh/i.test(lang) ? 'zh-CN' : 'en';
  if (query.has('kiosk')) root.classList.add('kiosk');
  const early = {};
  if (location.pathname !== '/login') {
    early.session = fetch('/api/v1/session');
    const site = query.get('site') ?? kept('site');
    early.snapshot = fetch(`/api/v1/stock/snapshot${site ? `?site=${encodeURIComponent(site)}` : ''}`);
    early.sites = fetch('/api/v1/sites');
  }
  globalThis.tallydockEarly = early;
})(document.documentElement, new URLSearchParams(location.search));
