package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/lease"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/replica"
	"github.com/tallydock/tallydock/hub/store"
)

// startReplica makes this hub one of several, where the database can have several.
func (h *house) startReplica(ctx context.Context, _ config.Credentials) error {
	if h.db.Alone() {
		return nil
	}
	name, err := config.EnsureReplica(h.cfg)
	if err != nil {
		return err
	}
	var shared []string
	for p := range wire.Partitions {
		shared = append(shared, lease.Partition(p))
	}
	h.keeper = replica.New(replica.Config{
		Name: name, NewID: shortID, Shared: shared, Alone: h.cfg.MQTT.Broker == "", Log: h.opt.Log.With("part", "replica"), Metrics: h.registry,
	}, store.Leases{DB: h.db})
	return h.life.start(ctx, part{name: "replica", run: h.keeper.Run})
}

func shortID() string {
	raw := make([]byte, 6)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}

// once starts a part that runs on one hub at a time.
func (h *house) once(ctx context.Context, name string, run func(context.Context) error) error {
	if h.keeper == nil {
		return h.life.start(ctx, part{name: name, run: run})
	}
	return h.life.start(ctx, part{name: name, run: func(ctx context.Context) error { return h.keeper.Once(ctx, name, run) }})
}

// expire releases, every minute of business time, reservations whose time is over.
func (h *house) expire(ctx context.Context) error {
	for h.clock.Sleep(ctx, time.Minute) == nil {
		if err := h.releaseExpired(ctx); err != nil && ctx.Err() == nil {
			h.opt.Log.Error("cannot release reservations whose time is over; they keep their goods until this works", "err", err)
		}
	}
	return nil
}

// expireAtOnce is how many reservations are looked for at a time.
const expireAtOnce = 500

func (h *house) releaseExpired(ctx context.Context) error {
	books := store.Ledger{DB: h.db}
	for {
		ids, err := books.Expired(ctx, h.clock.Now(), expireAtOnce)
		if err != nil {
			return err
		}
		for _, id := range ids {
			err := books.Do(ctx, &ledger.Release{ID: id})
			if err != nil && !errors.Is(err, fault.Conflict) { // somebody was quicker
				return err
			}
		}
		if len(ids) < expireAtOnce {
			return nil
		}
	}
}
