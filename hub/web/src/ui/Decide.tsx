import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { path, post } from '../api/client';
import type { Explain, Proposal } from '../api/types';
import { queries } from '../core/app';
import { useKeys } from '../core/keys';
import { orderable } from '../core/replenish';
import { dec, t, useT } from '../i18n/i18n';
import { errorText } from './bits';
import { Command, useBarrier } from './Command';

/** Its end is told even where the list has come back first and the form with its buttons is gone. */
function useDecision(id: string, onDecided: () => void) {
  return useMutation({
    mutationFn: ({ verb, body }: { verb: 'approve' | 'reject'; body: unknown }) =>
      post<Proposal>(`${path('proposals', id)}/${verb}`, body),
    onSuccess: () => {
      onDecided();
      void queries.invalidateQueries({ queryKey: ['proposals'] });
    },
  });
}

type Props = { proposal: Proposal; explain: Explain; onDecided: () => void };
/** Approve, with the quantity in whole packs, or reject with a reason. Nothing is ordered before the hub has said so. */
export function Decide({ proposal, explain, onDecided }: Props) {
  useT();
  const decision = useDecision(proposal.id, onDecided);
  const barrier = useBarrier('planner');
  const [typed, setTyped] = useState(String(proposal.quantity));
  const [reason, setReason] = useState('');
  const [rejecting, setRejecting] = useState(false);
  const reasonField = useRef<HTMLInputElement>(null);
  const pack = Math.max(1, explain.pack_multiple);
  const quantity = orderable(Number(typed) || 0, explain.moq, pack);
  const approve = () =>
    !barrier && !decision.isPending && decision.mutate({ verb: 'approve', body: { quantity, comment: '' } });
  const reject = () => {
    if (!rejecting) {
      setRejecting(true);
      setTimeout(() => reasonField.current?.focus());
    } else if (reason.trim() && !barrier) decision.mutate({ verb: 'reject', body: { reason: reason.trim() } });
  };
  useKeys({ a: approve, r: reject });
  return (
    <form className="decide" onSubmit={(e) => e.preventDefault()}>
      <div className="decideline">
        <label>
          {t('plan.quantity')}
          <input
            className="input qty tnum"
            type="number"
            min={orderable(0, explain.moq, pack)}
            step={pack}
            value={typed}
            onChange={(e) => setTyped(e.target.value)}
            onBlur={() => setTyped(String(quantity))}
          />
        </label>
        <span className="dimc tnum" data-testid="rounded">
          {t('plan.packs', { packs: quantity / pack, pack, cost: dec(quantity * proposal.unit_cost, 2) })}
        </span>
      </div>
      <div className="decideline">
        <Command needs="planner" primary busy={decision.isPending} onClick={approve}>
          {t('plan.approve', { n: quantity })} <kbd>A</kbd>
        </Command>
        <Command needs="planner" busy={decision.isPending} disabled={rejecting && !reason.trim()} onClick={reject}>
          {t('plan.reject')} <kbd>R</kbd>
        </Command>
      </div>
      {rejecting && (
        <label>
          {t('plan.reason')}
          <input
            ref={reasonField}
            className="input"
            value={reason}
            required
            maxLength={500}
            onChange={(e) => setReason(e.target.value)}
            onKeyDown={(e) => e.key === 'Enter' && !e.nativeEvent.isComposing && reject()}
          />
        </label>
      )}
      {decision.isError && (
        <p className="formerror" role="alert">
          {errorText(decision.error)}
        </p>
      )}
    </form>
  );
}
