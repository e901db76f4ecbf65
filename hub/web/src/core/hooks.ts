import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { useSearchParams } from 'react-router';
import { live, stock } from './app';
import { clock } from './clock';
import { useSignal } from './signal';

export const useTotals = () => useSyncExternalStore(stock.subTotals, stock.getTotals);
export const useStockLoad = () => useSyncExternalStore(stock.subLoad, stock.getLoad);
export const useLive = () => useSignal(live.status);
/** Whether commands can be given: not while the hub cannot be heard. */
export const useOnline = () => {
  const s = useLive();
  return s === 'live' || s === 'connecting';
};

/** The warehouse's time, again every `everyMs`. */
export function useNow(everyMs = 1000): number {
  const [now, set] = useState(() => clock.now());
  useEffect(() => {
    const timer = setInterval(() => set(clock.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (f: () => void) => {
      const m = matchMedia(query);
      m.addEventListener('change', f);
      return () => m.removeEventListener('change', f);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}
export const usePhone = () => useMedia('(max-width: 700px)');

/** The view is the URL: links can be sent, Back works, reload keeps what was shown. */
export function useView() {
  const [params, setParams] = useSearchParams();
  const patch = useCallback(
    (change: Record<string, string | null>, replace = true) =>
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          for (const [k, v] of Object.entries(change)) v === null || v === '' ? next.delete(k) : next.set(k, v);
          return next;
        },
        { replace },
      ),
    [setParams],
  );
  return [params, patch] as const;
}

export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · Tallydock`;
  }, [title]);
}

/** Holds the order of a list while the pointer is in it, so that no row moves under the finger. */
export function useHeldOrder<T extends { id: string }>(sorted: T[]) {
  const [frozen, setFrozen] = useState<string[] | null>(null);
  const byId = new Map(sorted.map((x) => [x.id, x]));
  const rows = frozen ? frozen.flatMap((id) => byId.get(id) ?? []) : sorted;
  const release = () => setFrozen(null);
  return {
    rows,
    fresh: sorted.length - rows.length,
    release,
    hold: {
      onPointerEnter: (e: React.PointerEvent) => e.pointerType === 'mouse' && setFrozen(sorted.map((x) => x.id)),
      onPointerLeave: release,
    },
  };
}
