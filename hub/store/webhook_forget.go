package store

import (
	"context"
	"fmt"

	"github.com/tallydock/tallydock/hub/connect/webhook"
)

// Forget takes a step of retention: it gives up what waits too long, and removes what ended long ago.
func (s Webhooks) Forget(ctx context.Context, h webhook.Horizon, limit int) (n int, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		n = 0
		for _, step := range []func(webhook.Horizon, int) (int, error){tx.giveUpOld, tx.giveUpBacklog, tx.forgetEnded} {
			if n >= limit {
				return nil
			}
			did, err := step(h, limit-n)
			if err != nil {
				return fmt.Errorf("cannot forget webhook deliveries: %w", err)
			}
			n += did
		}
		return nil
	})
	return n, err
}

// giveUpOld makes Failed what waits since before the horizon.
func (tx *Tx) giveUpOld(h webhook.Horizon, limit int) (int, error) {
	return tx.giveUp(h, h.Backlog+1, deliveryColumns+`WHERE state = 'pending' AND at < ? AND lease_until <= ? ORDER BY id LIMIT ?`,
		stamp(h.Waiting), stamp(h.Now), limit)
}

// giveUpBacklog makes Failed what waits behind too many others of its endpoint.
func (tx *Tx) giveUpBacklog(h webhook.Horizon, limit int) (int, error) {
	endpoints, err := list(tx.ctx, tx, `SELECT id FROM webhook_endpoint ORDER BY id`, scanUID)
	if err != nil {
		return 0, err
	}
	done := 0
	for _, e := range endpoints {
		var oldest uid // of those that may wait
		found, err := tx.row(`SELECT id FROM webhook_delivery WHERE endpoint = ? AND state = 'pending' ORDER BY id DESC LIMIT 1 OFFSET ?`,
			[]any{e, max(h.Backlog-1, 0)}, &oldest)
		if err != nil {
			return done, err
		}
		if !found || done >= limit {
			continue
		}
		n, err := tx.giveUp(h, h.Backlog+1, deliveryColumns+`WHERE endpoint = ? AND state = 'pending' AND id < ? AND lease_until <= ? ORDER BY id LIMIT ?`,
			e, oldest, stamp(h.Now), limit-done)
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

func (tx *Tx) giveUp(h webhook.Horizon, place int, query string, args ...any) (int, error) {
	all, err := list(tx.ctx, tx, tx.lock(query), scanDelivery, args...)
	if err != nil {
		return 0, err
	}
	done := 0
	for _, d := range all {
		given, over := h.GiveUp(d, place)
		if !over {
			continue
		}
		if err := tx.updateDelivery(given); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// forgetEnded removes what ended before the horizon, with the messages that nobody needs any more.
func (tx *Tx) forgetEnded(h webhook.Horizon, limit int) (int, error) {
	type old struct {
		id      uid
		message string
	}
	var all []old
	for state, before := range map[webhook.DeliveryState]int64{webhook.Delivered: stamp(h.Delivered), webhook.Failed: stamp(h.Failed)} {
		some, err := list(tx.ctx, tx, tx.lock(`SELECT id, message FROM webhook_delivery WHERE state = ? AND ended < ? ORDER BY ended, id LIMIT ?`),
			func(scan func(...any) error) (o old, err error) { return o, scan(&o.id, &o.message) }, string(state), before, limit-len(all))
		if err != nil {
			return 0, err
		}
		if all = append(all, some...); len(all) >= limit {
			break
		}
	}
	for _, part := range lists(all) {
		ids, messages := make([]any, len(part)), make([]any, len(part))
		for i, o := range part {
			ids[i], messages[i] = o.id, o.message
		}
		in := ` IN (` + marks(len(part), "?") + `)`
		for _, step := range []struct {
			text string
			args []any
		}{
			{`DELETE FROM webhook_attempt WHERE delivery` + in, ids},
			{`DELETE FROM webhook_delivery WHERE id` + in, append([]any{}, ids...)},
			{`DELETE FROM webhook_message WHERE id` + in + ` AND NOT EXISTS (SELECT 1 FROM webhook_delivery WHERE message = webhook_message.id)`, messages},
		} {
			if err := tx.exec(step.text, step.args...); err != nil {
				return 0, err
			}
		}
	}
	return len(all), nil
}
