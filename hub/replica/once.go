package replica

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/lease"
)

// Once runs run on one hub at a time, whenever that is this one, until ctx ends; then it returns nil. The context of run ends
// when the lease is lost, and what run writes under it commits only while it holds. It returns what run returns by itself.
func (k *Keeper) Once(ctx context.Context, name string, run func(context.Context) error) error {
	name = "once/" + name
	k.mu.Lock()
	k.once[name] = true
	k.mu.Unlock()
	k.nudge()
	for {
		claim, ok := k.await(ctx, name)
		if !ok {
			return nil
		}
		k.log.Info("this hub does what is done once", "work", name, "term", claim.Term)
		lost, err := k.while(ctx, claim, run)
		if ctx.Err() != nil {
			return nil
		}
		if !lost {
			return err
		}
		k.log.Warn("another hub may do by now what is done once", "work", name, "term", claim.Term)
	}
}

// await waits until this hub has a lease and is sure of it.
func (k *Keeper) await(ctx context.Context, name string) (c lease.Claim, ok bool) {
	for {
		k.mu.Lock()
		l, has := k.has[name]
		sure, changed := time.Now().Before(k.sure), k.changed
		k.mu.Unlock()
		if has && sure {
			return lease.Claim{Name: name, Holder: l.Holder, Term: l.Term}, true
		}
		select {
		case <-ctx.Done():
			return c, false
		case <-changed:
		case <-time.After(k.cfg.Every):
		}
	}
}

// while runs run for as long as this hub is sure of a lease.
func (k *Keeper) while(ctx context.Context, c lease.Claim, run func(context.Context) error) (lost bool, err error) {
	ctx, stop := context.WithCancel(lease.With(ctx, c))
	defer stop()
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	for {
		k.mu.Lock()
		l, has := k.has[c.Name]
		left, changed := time.Until(k.sure), k.changed
		k.mu.Unlock()
		if !has || l.Term != c.Term || left <= 0 {
			stop()
			<-done
			return true, nil
		}
		timer := time.NewTimer(left)
		select {
		case err := <-done:
			timer.Stop()
			return false, err
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}
