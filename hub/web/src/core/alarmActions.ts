import { useMutation } from '@tanstack/react-query';
import { path, post } from '../api/client';
import type { Alarm } from '../api/types';
import { alarms } from './app';

const keep = (a: Alarm) => alarms.answered(a);
const act = (id: string, verb: string, body: unknown) => post<Alarm>(`${path('alarms', id)}/${verb}`, body).then(keep);

/** Acknowledges the given alarms, one request each; the edge confirms each by an event of its own. */
export const useAcknowledge = () =>
  useMutation({
    mutationFn: async ({ ids, comment = '' }: { ids: string[]; comment?: string }) => {
      const results = await Promise.allSettled(ids.map((id) => act(id, 'acknowledge', { comment })));
      const failed = results.find((r) => r.status === 'rejected');
      if (failed) throw failed.reason;
    },
  });
export const useShelve = () =>
  useMutation({
    mutationFn: ({ id, minutes, reason }: { id: string; minutes: number; reason: string }) =>
      act(id, 'shelve', { minutes, reason }),
  });
export const useUnshelve = () => useMutation({ mutationFn: (id: string) => act(id, 'unshelve', {}) });
