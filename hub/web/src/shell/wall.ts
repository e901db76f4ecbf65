/** A wall screen shows without being touched: it stays awake, turns its pages, and reloads itself at night. */
const params = new URLSearchParams(location.search);
export const kiosk = params.has('kiosk');
const rotateSeconds = Number(params.get('rotate')) || 0;
const PAGES = ['/shelves', '/docks', '/alarms'];
const NIGHT_HOUR = 4;

export function runWall(navigate: (to: string) => void): () => void {
  if (!kiosk) return () => {};
  const awake = () => void navigator.wakeLock?.request('screen').catch(() => {}); // refused while the tab is hidden
  awake();
  document.addEventListener('visibilitychange', awake);
  let page = PAGES.indexOf(location.pathname);
  const turn = rotateSeconds
    ? setInterval(() => {
        page = (page + 1) % PAGES.length;
        navigate(PAGES[page] + location.search);
      }, rotateSeconds * 1000)
    : undefined;
  const started = Date.now();
  const night = setInterval(() => {
    if (new Date().getHours() === NIGHT_HOUR && Date.now() - started > 3_600_000 * 2) location.reload();
  }, 600_000);
  return () => {
    document.removeEventListener('visibilitychange', awake);
    clearInterval(turn);
    clearInterval(night);
  };
}
