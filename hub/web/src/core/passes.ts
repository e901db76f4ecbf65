import { useQueries } from '@tanstack/react-query';
import { get, path } from '../api/client';
import type { List, Pass } from '../api/types';

const SHOWN = 50;

/** The latest passes of the given doors together, newest first; live events are merged into the same cache. */
export function usePasses(doors: string[]) {
  const results = useQueries({
    queries: doors.map((id) => ({
      queryKey: ['passes', id],
      queryFn: () => get<List<Pass>>(`${path('doors', id)}/passes?limit=${SHOWN}`),
    })),
  });
  const passes = results
    .flatMap((r) => r.data?.items ?? [])
    .sort((a, b) => Date.parse(b.opened_at) - Date.parse(a.opened_at))
    .slice(0, SHOWN);
  return {
    passes,
    pending: results.some((r) => r.isPending),
    error: results.find((r) => r.isError)?.error,
    retry: () => {
      for (const r of results) void r.refetch();
    },
  };
}
